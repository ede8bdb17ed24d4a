import type { Message } from '@bufbuild/protobuf';
import type { Container } from '@stowage/api/containers/v1';
import type { Image } from '@stowage/api/images/v1';
import type { Info as SnapshotInfo } from '@stowage/api/snapshots/v1';
import { LABEL, type Labels } from '@stowage/core';
import { objectKey, type ParsedKey, parseKey, snapshotKey } from '../database/keys.ts';

const CONTENT = LABEL.gcRefContent;
const SNAPSHOT = `${LABEL.gcRefSnapshot}.`;
const IMAGE = LABEL.gcRefImage;
const BACK = `${LABEL.gcBackRef}.`;

/** Keys of what an object keeps: by its own fields and by its `containerd.io/gc.ref.*` labels. */
export function refsOf(key: string, message: Message): string[] {
  const parsed = parseKey(key);
  if (parsed === undefined) return [];
  const { labels } = message as Message & { readonly labels?: Labels };
  return [...ownRefs(parsed, message), ...labelRefs(parsed.namespace, labels ?? {})];
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
  const refs: string[] = [];
  for (const [label, value] of Object.entries(labels)) {
    if (!label.startsWith(BACK)) continue;
    const [, table, rest] =
      /^(container|content|image|snapshot)(?:[./](.*))?$/.exec(label.slice(BACK.length)) ?? [];
    if (table === 'container') refs.push(objectKey(namespace, 'containers', value));
    if (table === 'content') refs.push(objectKey(namespace, 'content', value));
    if (table === 'image') refs.push(objectKey(namespace, 'images', value));
    if (table === 'snapshot') refs.push(snapshotKey(namespace, upToSlash(rest ?? ''), value));
  }
  return refs;
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

/** `gc.ref.content`, `.l.0`, `/x`, ...; `gc.ref.snapshot.<snapshotter>[/x]` (containerd core/metadata/gc.go). */
function labelRefs(namespace: string, labels: Labels): string[] {
  const refs: string[] = [];
  for (const [label, value] of Object.entries(labels)) {
    if (isAtOrBelow(label, CONTENT)) refs.push(objectKey(namespace, 'content', value));
    else if (isAtOrBelow(label, IMAGE)) refs.push(objectKey(namespace, 'images', value));
    else if (label.startsWith(SNAPSHOT))
      refs.push(snapshotKey(namespace, upToSlash(label.slice(SNAPSHOT.length)), value));
  }
  return refs;
}

function isAtOrBelow(label: string, prefix: string): boolean {
  return label === prefix || label.startsWith(`${prefix}.`) || label.startsWith(`${prefix}/`);
}

function upToSlash(text: string): string {
  const slash = text.indexOf('/');
  return slash < 0 ? text : text.slice(0, slash);
}
