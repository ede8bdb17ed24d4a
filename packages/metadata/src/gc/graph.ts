import { type DescMessage, fromBinary, type Message } from '@bufbuild/protobuf';
import { ContainerSchema } from '@stowage/api/containers/v1';
import { InfoSchema as BlobSchema, type Status, StatusSchema } from '@stowage/api/content/v1';
import { ImageSchema } from '@stowage/api/images/v1';
import { LeaseSchema } from '@stowage/api/leases/v1';
import { InfoSchema as SnapshotSchema } from '@stowage/api/snapshots/v1';
import { LABEL, type Labels } from '@stowage/core';
import { objectKey, type ParsedKey, parseKey, rangeOf } from '../database/keys.ts';
import type { Ledger } from '../ledger/ledger.ts';
import { earlier, expiryOf, ingestExpiry } from './expiry.ts';
import { backRefsOf, parentOf, refsOf, targetOf } from './refs.ts';

export interface Node {
  readonly refs: string[];
  /** Key of a snapshot's parent, held even where labels are not followed. */
  readonly parent: string | undefined;
  /** A lease that holds its resources, but not what their labels name. */
  readonly isFlat: boolean;
}

export interface Graph {
  readonly nodes: ReadonlyMap<string, Node>;
  readonly roots: readonly string[];
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
export async function readGraph({ db, now, openIngests }: Ledger): Promise<Graph> {
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
    const isFlat = parsed.table === 'leases' && Object.hasOwn(labels, LABEL.gcFlat);
    nodes.set(key, { refs: refsOf(key, message), parent: parentOf(key, message), isFlat });
  }
  for (const [from, to] of edges) nodes.get(from)?.refs.push(to);
  return { nodes, roots, nextExpiry };
}

function isRoot(table: ParsedKey['table'], labels: Labels, expiry: Date | undefined, at: Date): boolean {
  switch (table) {
    case 'containers':
      return true;
    case 'leases':
    case 'images':
      return expiry === undefined || expiry > at;
    case 'content':
    case 'snapshots':
      return Object.hasOwn(labels, LABEL.gcRoot);
    case 'ingests':
      return expiry !== undefined && expiry > at;
    default:
      return false;
  }
}

/** Everything that can be reached from the roots. */
export function reachable({ nodes, roots }: Graph): Set<string> {
  const full = new Set<string>();
  const flat = new Set<string>();
  const waiting: Array<readonly [key: string, isFlat: boolean]> = roots.map((key) => [key, false]);
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const [key, isFlat] = next;
    const seen = isFlat ? flat : full;
    if (seen.has(key)) continue;
    seen.add(key);
    const node = nodes.get(key);
    if (node === undefined) continue;
    if (isFlat) {
      if (node.parent !== undefined) waiting.push([node.parent, true]);
    } else for (const ref of node.refs) waiting.push([ref, node.isFlat]);
  }
  for (const key of flat) full.add(key);
  return full;
}
