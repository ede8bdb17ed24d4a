import type { Message } from '@bufbuild/protobuf';
import type { Container } from '@stowage/api/containers/v1';
import type { Image } from '@stowage/api/images/v1';
import type { Info as SnapshotInfo } from '@stowage/api/snapshots/v1';
import type { Labels } from '@stowage/core';
import { labelBackRefs, labelRefs, type ObjectName } from '@stowage/gc';
import { objectKey, type ParsedKey, parseKey, snapshotKey } from '../database/keys.ts';

/** Keys of what an object keeps: by its own fields and by its `containerd.io/gc.ref.*` labels. */
export function refsOf(key: string, message: Message): string[] {
  const parsed = parseKey(key);
  if (parsed === undefined) return [];
  const { labels } = message as Message & { readonly labels?: Labels };
  const refs = ownRefs(parsed, message);
  if (labels !== undefined) for (const name of labelRefs(labels)) refs.push(keyOf(parsed.namespace, name));
  return refs;
}

/** The parent of a snapshot, which it needs whatever else is ignored. */
export function parentOf(key: string, message: Message): string | undefined {
  const parsed = parseKey(key);
  if (parsed?.table !== 'snapshots') return undefined;
  const { parent } = message as SnapshotInfo;
  return parent === '' ? undefined : snapshotKey(parsed.namespace, parsed.snapshotter, parent);
}

/** Keys of what keeps an object, by its `containerd.io/gc.bref.*` labels. */
export function backRefsOf(key: string, labels: Labels): string[] {
  const namespace = parseKey(key)?.namespace ?? '';
  return labelBackRefs(labels).map((name) => keyOf(namespace, name));
}

/** What a lease's edge leads to. */
export function targetOf(edge: Extract<ParsedKey, { table: 'resources' }>): string | undefined {
  const { namespace, type, name } = edge;
  if (type === 'content' || type === 'ingests' || type === 'images') return objectKey(namespace, type, name);
  const snapshotter = type.startsWith('snapshots/') ? type.slice('snapshots/'.length) : undefined;
  return snapshotter === undefined ? undefined : snapshotKey(namespace, snapshotter, name);
}

function ownRefs(parsed: ParsedKey, message: Message): string[] {
  const { namespace } = parsed;
  switch (parsed.table) {
    case 'images': {
      const digest = (message as Image).target?.digest ?? '';
      return digest === '' ? [] : [objectKey(namespace, 'content', digest)];
    }
    case 'containers': {
      const { snapshotter, snapshotKey: key } = message as Container;
      return snapshotter === '' || key === '' ? [] : [snapshotKey(namespace, snapshotter, key)];
    }
    case 'snapshots': {
      const { parent } = message as SnapshotInfo;
      return parent === '' ? [] : [snapshotKey(namespace, parsed.snapshotter, parent)];
    }
    default:
      return [];
  }
}

function keyOf(namespace: string, { kind, name, snapshotter }: ObjectName): string {
  return kind === 'snapshots' ? snapshotKey(namespace, snapshotter, name) : objectKey(namespace, kind, name);
}
