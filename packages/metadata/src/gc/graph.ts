import { type DescMessage, fromBinary, type Message } from '@bufbuild/protobuf';
import { ContainerSchema } from '@stowage/api/containers/v1';
import { InfoSchema as BlobSchema, type Status, StatusSchema } from '@stowage/api/content/v1';
import { ImageSchema } from '@stowage/api/images/v1';
import { LeaseSchema } from '@stowage/api/leases/v1';
import { InfoSchema as SnapshotSchema } from '@stowage/api/snapshots/v1';
import type { Labels } from '@stowage/core';
import { type Graph, isFlat, isRoot, type Node } from '@stowage/gc';
import { objectKey, type ParsedKey, parseKey, rangeOf } from '../database/keys.ts';
import type { Ledger } from '../ledger/ledger.ts';
import { earlier, expiryOf, ingestExpiry } from './expiry.ts';
import { backRefsOf, parentOf, refsOf, targetOf } from './refs.ts';

/** All objects, and what else a collection needs to know of them. */
export interface MarkedGraph extends Graph {
  /** When something in it expires that has not yet. */
  readonly nextExpiry: Date | undefined;
}

const SCHEMAS: Readonly<Partial<Record<ParsedKey['table'], DescMessage>>> = {
  images: ImageSchema,
  containers: ContainerSchema,
  leases: LeaseSchema,
  content: BlobSchema,
  ingests: StatusSchema,
  snapshots: SnapshotSchema,
};

/** Reads a record as the message of its table; undefined for keys of no object. */
export function decode(key: string, payload: Uint8Array): Message | undefined {
  const schema = SCHEMAS[parseKey(key)?.table ?? 'resources'];
  return schema && fromBinary(schema, payload);
}

/** All objects and what they hold, as of one moment. Writers go on meanwhile. */
export async function readGraph({ db, now, openIngests }: Ledger): Promise<MarkedGraph> {
  const nodes = new Map<string, Node>();
  const roots: string[] = [];
  const edges: Array<readonly [from: string, to: string]> = [];
  const at = now();
  let nextExpiry: Date | undefined;
  for await (const [key, { payload }] of db.entries(rangeOf('v1/'))) {
    const parsed = parseKey(key);
    if (parsed?.table === 'resources') {
      const target = targetOf(parsed);
      if (target !== undefined) edges.push([objectKey(parsed.namespace, 'leases', parsed.lease), target]);
      continue;
    }
    const message = decode(key, payload);
    if (parsed === undefined || message === undefined) continue;
    const { labels = {} } = message as Message & { readonly labels?: Labels };
    const expiry = parsed.table === 'ingests' ? ingestExpiry(message as Status) : expiryOf(message);
    const expires = parsed.table === 'images' || parsed.table === 'leases' || parsed.table === 'ingests';
    if (expires && expiry !== undefined && expiry > at) nextExpiry = earlier(nextExpiry, expiry);
    if (isRoot(parsed.table, labels, expiry, at) || openIngests.has(key)) roots.push(key);
    for (const holder of backRefsOf(key, labels)) edges.push([holder, key]);
    nodes.set(key, {
      refs: refsOf(key, message),
      parent: parentOf(key, message),
      isFlat: parsed.table === 'leases' && isFlat(labels),
    });
  }
  for (const [from, to] of edges) nodes.get(from)?.refs.push(to);
  return { nodes, roots, nextExpiry };
}
