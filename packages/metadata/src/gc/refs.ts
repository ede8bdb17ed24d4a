import { labelBackRefs, labelConditions, labelRefs, type ObjectName } from '@stowage/gc';
import { objectKey, type ParsedKey, parseKey, snapshotKey } from '../database/keys.ts';
import { type Peeked, peek } from './peek.ts';

/** Keys of what an object keeps: by a field of its own and by its `containerd.io/gc.ref.*` labels. */
export function refsOf({ namespace }: ParsedKey, { labels, names }: Peeked): string[] {
  const refs = labelRefs(labels).map((name) => keyOf(namespace, name));
  if (names !== undefined) refs.push(keyOf(namespace, names));
  return refs;
}

/** Key of what an object is nothing without, and keeps whatever else is ignored. */
export function parentOf({ namespace, table }: ParsedKey, { names }: Peeked): string | undefined {
  const isNothingWithout = table === 'snapshots' || table === 'images';
  return names !== undefined && isNothingWithout ? keyOf(namespace, names) : undefined;
}

/** Keys of what keeps an object, by its `containerd.io/gc.bref.*` labels. */
export function backRefsOf({ namespace }: ParsedKey, { labels }: Peeked): string[] {
  return labelBackRefs(labels).map((name) => keyOf(namespace, name));
}

/** Keys of what an object keeps while a condition holds, with the condition. */
export function conditionsOf(
  { namespace }: ParsedKey,
  { labels }: Peeked,
): Array<{ readonly to: string; readonly holds: (usedAt: Date, at: Date) => boolean }> {
  return labelConditions(labels).map(({ object, holds }) => ({ to: keyOf(namespace, object), holds }));
}

/** Keys of all that a record names, whether or not a condition holds. */
export function namedBy(key: string, payload: Uint8Array): string[] {
  const parsed = parseKey(key);
  const peeked = parsed && peek(parsed, payload);
  if (parsed === undefined || peeked === undefined) return [];
  return [...refsOf(parsed, peeked), ...conditionsOf(parsed, peeked).map(({ to }) => to)];
}

/** Whether a lease's resources of this type are objects of one table, by their names. */
export function isPlain(type: string): type is 'content' | 'ingests' | 'images' | 'mounts' {
  return type === 'content' || type === 'ingests' || type === 'images' || type === 'mounts';
}

/** What a lease's edge leads to. */
export function targetOf(edge: Extract<ParsedKey, { table: 'resources' }>): string | undefined {
  const { namespace, type, name } = edge;
  if (isPlain(type)) return objectKey(namespace, type, name);
  const snapshotter = type.startsWith('snapshots/') ? type.slice('snapshots/'.length) : undefined;
  return snapshotter === undefined ? undefined : snapshotKey(namespace, snapshotter, name);
}

function keyOf(namespace: string, { kind, name, snapshotter }: ObjectName): string {
  return kind === 'snapshots' ? snapshotKey(namespace, snapshotter, name) : objectKey(namespace, kind, name);
}
