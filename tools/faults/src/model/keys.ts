import { LABEL } from '@stowage/core';
import type { Edge, Thing } from './thing.ts';

/** Names one thing among all; see {@link keyOf}. */
export type Key = string;

export function keyOf(thing: Thing): Key {
  switch (thing.kind) {
    case 'namespace':
      return `namespace ${thing.name}`;
    case 'lease':
      return leaseKey(thing.namespace, thing.id);
    case 'edge':
      return `edge ${thing.namespace} ${thing.lease} ${thing.type} ${thing.id}`;
    case 'blob':
      return blobKey(thing.namespace, thing.digest);
    case 'ingest':
      return `ingest ${thing.namespace} ${thing.ref}`;
    case 'image':
      return `image ${thing.namespace} ${thing.name}`;
    case 'snapshot':
      return snapshotKey(thing.namespace, thing.snapshotter, thing.name);
    case 'container':
      return `container ${thing.namespace} ${thing.id}`;
  }
}

export const leaseKey = (namespace: string, id: string): Key => `lease ${namespace} ${id}`;
export const blobKey = (namespace: string, digest: string): Key => `blob ${namespace} ${digest}`;
export const snapshotKey = (namespace: string, snapshotter: string, name: string): Key =>
  `snapshot ${namespace} ${snapshotter} ${name}`;

/** Whether garbage collection leaves it alone whatever refers to it (wire: roots are leases, images, containers, …). */
export function isRoot(thing: Thing): boolean {
  switch (thing.kind) {
    case 'blob':
    case 'snapshot':
      return Object.hasOwn(thing.labels, LABEL.gcRoot);
    case 'ingest':
      return thing.leased !== true;
    default:
      return true;
  }
}

/** What a thing keeps. */
export function refsOf(thing: Thing): Key[] {
  switch (thing.kind) {
    case 'edge':
      return [edgeTarget(thing)];
    case 'image':
      return [blobKey(thing.namespace, thing.target)];
    case 'blob':
      return Object.entries(thing.labels)
        .filter(([label]) => label.startsWith(LABEL.gcRefContent))
        .map(([, digest]) => blobKey(thing.namespace, digest));
    case 'snapshot':
      return thing.parent === '' ? [] : [snapshotKey(thing.namespace, thing.snapshotter, thing.parent)];
    case 'container':
      return [snapshotKey(thing.namespace, thing.snapshotter, thing.snapshot)];
    default:
      return [];
  }
}

function edgeTarget({ namespace, type, id }: Edge): Key {
  const [table, snapshotter = ''] = type.split('/');
  if (table === 'snapshots') return snapshotKey(namespace, snapshotter, id);
  return table === 'content' ? blobKey(namespace, id) : `ingest ${namespace} ${id}`;
}

/** Keys of all that the roots among `things` keep, themselves included, and those that `roots` names. */
export function reachable(things: ReadonlyMap<Key, Thing>, roots: Iterable<Key> = []): Set<Key> {
  const seen = new Set<Key>();
  const waiting = [...things].filter(([, thing]) => isRoot(thing)).map(([key]) => key);
  waiting.push(...roots);
  for (let key = waiting.pop(); key !== undefined; key = waiting.pop()) {
    if (seen.has(key)) continue;
    seen.add(key);
    const thing = things.get(key);
    if (thing !== undefined) waiting.push(...refsOf(thing));
  }
  return seen;
}
