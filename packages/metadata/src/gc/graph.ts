import { ingestExpiry, isFlat, isRoot, labelUsedAt } from '@stowage/gc';
import { listPrefix, OBJECTS, objectKey, parseKey, rangeOf } from '../database/keys.ts';
import { jsonOf, type StoredIntent } from '../ledger/intent.ts';
import type { Ledger } from '../ledger/ledger.ts';
import { earlier, expiryOf } from './expiry.ts';
import type { ObjectGraph } from './object-graph.ts';
import { peek } from './peek.ts';
import type { Pieces } from './pieces.ts';
import { backRefsOf, conditionsOf, parentOf, refsOf, targetOf } from './refs.ts';

/** What was read besides the graph. */
export interface Reading {
  readonly roots: readonly number[];
  /** When something in it expires that has not yet. */
  readonly nextExpiry: Date | undefined;
}

interface Condition {
  readonly from: string;
  readonly to: string;
  readonly holds: (usedAt: Date, at: Date) => boolean;
}

/** Reads all objects and what they hold, as of one moment. Writers go on meanwhile. */
export async function readGraph(ledger: Ledger, graph: ObjectGraph, pieces: Pieces): Promise<Reading> {
  const { db, now, log, openIngests } = ledger;
  const roots = await rootsOfIntents(ledger, graph);
  const conditions: Condition[] = [];
  const usedAt = new Map<string, Date[]>();
  const at = now();
  let nextExpiry: Date | undefined;
  for await (const [key, { payload }] of db.entries(OBJECTS)) {
    await pieces.step();
    const parsed = parseKey(key);
    if (parsed === undefined) continue;
    const { namespace, table } = parsed;
    if (table === 'resources') {
      const target = targetOf(parsed);
      if (target !== undefined) graph.link(objectKey(namespace, 'leases', parsed.lease), target);
      continue;
    }
    const peeked = peek(parsed, payload);
    if (peeked === undefined) continue;
    const { labels } = peeked;
    const expiry = table === 'ingests' ? ingestExpiry(peeked.openedAt) : expiryOf(log, parsed, labels);
    if (expiry !== undefined && expiry >= at) nextExpiry = earlier(nextExpiry, expiry);
    const object = graph.put(key, {
      refs: refsOf(parsed, peeked),
      parent: parentOf(parsed, peeked),
      isFlat: table === 'leases' && isFlat(labels),
    });
    if (isRoot(table, labels, expiry, at) || openIngests.has(key)) roots.push(object);
    for (const holder of backRefsOf(parsed, peeked)) graph.link(holder, key);
    if (table === 'content' || table === 'images')
      for (const condition of conditionsOf(parsed, peeked)) conditions.push({ from: key, ...condition });
    const used = table === 'snapshots' ? labelUsedAt(labels) : [];
    if (used.length > 0) usedAt.set(key, used);
  }
  for (const { from, to, holds } of conditions)
    if (usedAt.get(to)?.some((time) => holds(time, at))) graph.link(from, to);
  return { roots, nextExpiry };
}

/** What an unfinished change has to do with must not go, or the change could neither be finished nor undone. */
async function rootsOfIntents({ db }: Ledger, graph: ObjectGraph): Promise<number[]> {
  const roots: number[] = [];
  for await (const [, { payload }] of db.entries(rangeOf(listPrefix('intent')))) {
    const { exclusive = [], shared = [] } = jsonOf<StoredIntent>(payload).locks;
    for (const key of [...exclusive, ...shared]) roots.push(graph.numberOf(key));
  }
  return roots;
}
