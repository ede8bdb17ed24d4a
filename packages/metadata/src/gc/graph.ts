import { type Graph, isFlat, isRoot, labelUsedAt, type Node } from '@stowage/gc';
import { listPrefix, OBJECTS, objectKey, parseKey, rangeOf } from '../database/keys.ts';
import { jsonOf, type StoredIntent } from '../ledger/intent.ts';
import type { Ledger } from '../ledger/ledger.ts';
import { earlier, expiryOf, ingestExpiry } from './expiry.ts';
import { peek } from './peek.ts';
import { Pieces } from './pieces.ts';
import { backRefsOf, conditionsOf, parentOf, refsOf, targetOf } from './refs.ts';

/** All objects, and what else a collection needs to know of them. */
export interface MarkedGraph extends Graph {
  readonly nodes: ReadonlyMap<string, Node>;
  readonly absent: ReadonlyMap<string, readonly string[]>;
  /** When something in it expires that has not yet. */
  readonly nextExpiry: Date | undefined;
}

interface Condition {
  readonly from: string;
  readonly to: string;
  readonly holds: (usedAt: Date, at: Date) => boolean;
}

/** All objects and what they hold, as of one moment. Writers go on meanwhile. */
export async function readGraph(ledger: Ledger, pieces = new Pieces()): Promise<MarkedGraph> {
  const { db, now, openIngests } = ledger;
  const nodes = new Map<string, Node>();
  const roots = await rootsOfIntents(ledger);
  const edges: Array<readonly [from: string, to: string]> = [];
  const conditions: Condition[] = [];
  const usedAt = new Map<string, Date[]>();
  const at = now();
  let nextExpiry: Date | undefined;
  for await (const [key, { payload }] of db.entries(OBJECTS)) {
    await pieces.step();
    const parsed = parseKey(key);
    if (parsed === undefined) continue;
    if (parsed.table === 'resources') {
      const target = targetOf(parsed);
      if (target !== undefined) edges.push([objectKey(parsed.namespace, 'leases', parsed.lease), target]);
      continue;
    }
    const peeked = peek(parsed, payload);
    if (peeked === undefined) continue;
    const { labels } = peeked;
    const { table } = parsed;
    const expiry = table === 'ingests' ? ingestExpiry(peeked.openedAt) : expiryOf(ledger.log, parsed, labels);
    if (expiry !== undefined && expiry >= at) nextExpiry = earlier(nextExpiry, expiry);
    if (isRoot(table, labels, expiry, at) || openIngests.has(key)) roots.push(key);
    for (const holder of backRefsOf(parsed, peeked)) edges.push([holder, key]);
    if (table === 'content' || table === 'images')
      for (const condition of conditionsOf(parsed, peeked)) conditions.push({ from: key, ...condition });
    const used = table === 'snapshots' ? labelUsedAt(labels) : [];
    if (used.length > 0) usedAt.set(key, used);
    const flat = table === 'leases' && isFlat(labels);
    nodes.set(key, { refs: refsOf(parsed, peeked), parent: parentOf(parsed, peeked), isFlat: flat });
  }
  for (const { from, to, holds } of conditions)
    if (usedAt.get(to)?.some((time) => holds(time, at))) edges.push([from, to]);
  const absent = new Map<string, string[]>();
  for (const [from, to] of edges) {
    await pieces.step();
    const refs = nodes.get(from)?.refs ?? absent.get(from);
    if (refs === undefined) absent.set(from, [to]);
    else refs.push(to);
  }
  return { nodes, roots, absent, nextExpiry };
}

/** What an unfinished change has to do with must not go, or the change could neither be finished nor undone. */
async function rootsOfIntents({ db }: Ledger): Promise<string[]> {
  const roots: string[] = [];
  for await (const [, { payload }] of db.entries(rangeOf(listPrefix('intent')))) {
    const { locks } = jsonOf<StoredIntent>(payload);
    roots.push(...(locks.exclusive ?? []), ...(locks.shared ?? []));
  }
  return roots;
}
