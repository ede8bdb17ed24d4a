import { LABEL, type Labels } from '@stowage/core';
import { type ObjectKind, type ObjectName, objectName } from './object.ts';
import { parseTime } from './time.ts';

const CONTENT = LABEL.gcRefContent;
const SNAPSHOT = `${LABEL.gcRefSnapshot}.`;
const IMAGE = LABEL.gcRefImage;
const BACK = `${LABEL.gcBackRef}.`;
const BACK_KINDS: ReadonlyMap<string, ObjectKind> = new Map([
  ['container', 'containers'],
  ['content', 'content'],
  ['image', 'images'],
]);

/**
 * What an object keeps by its labels: `containerd.io/gc.ref.content`, `.content.l.0`, `.content/x`, …;
 * `gc.ref.image…`; `gc.ref.snapshot.<snapshotter>[/x]`.
 *
 * @see containerd core/metadata/gc.go
 */
export function labelRefs(labels: Labels): ObjectName[] {
  const refs: ObjectName[] = [];
  for (const [label, value] of Object.entries(labels)) {
    if (isAtOrBelow(label, CONTENT)) refs.push(objectName('content', value));
    else if (isAtOrBelow(label, IMAGE)) refs.push(objectName('images', value));
    else if (label.startsWith(SNAPSHOT))
      refs.push(objectName('snapshots', value, upToSlash(label.slice(SNAPSHOT.length))));
  }
  return refs;
}

/** What keeps an object by the object's own labels: `containerd.io/gc.bref.<kind>[./x]`: I live while that lives. */
export function labelBackRefs(labels: Labels): ObjectName[] {
  const refs: ObjectName[] = [];
  for (const [label, value] of Object.entries(labels)) {
    if (!label.startsWith(BACK)) continue;
    const [, word = '', rest = ''] =
      /^(container|content|image|snapshot)(?:[./](.*))?$/s.exec(label.slice(BACK.length)) ?? [];
    const kind = BACK_KINDS.get(word);
    if (kind !== undefined) refs.push(objectName(kind, value));
    else if (word === 'snapshot') refs.push(objectName('snapshots', value, upToSlash(rest)));
  }
  return refs;
}

/** Whether a lease holds its resources, but not what their labels name. */
export function isFlat(labels: Labels): boolean {
  return Object.hasOwn(labels, LABEL.gcFlat);
}

/** When a lease or an image expires, by its label. One that is no time means never (containerd core/metadata/gc.go). */
export function labelExpiry(labels: Labels): Date | undefined {
  const text = Object.hasOwn(labels, LABEL.gcExpire) ? labels[LABEL.gcExpire] : undefined;
  return text === undefined ? undefined : parseTime(text);
}

/**
 * Whether an object lives without anything that refers to it.
 *
 * @param expiry - Of a lease, an image or an ingest; undefined means never, and for an ingest that a lease has held it.
 */
export function isRoot(kind: ObjectKind, labels: Labels, expiry: Date | undefined, at: Date): boolean {
  switch (kind) {
    case 'containers':
    case 'sandboxes':
      return true;
    case 'leases':
    case 'images':
      return expiry === undefined || expiry >= at;
    case 'content':
    case 'snapshots':
      return Object.keys(labels).some((label) => isAtOrBelow(label, LABEL.gcRoot));
    // It lives while what it is tied to does, by a back reference or a lease.
    case 'mounts':
      return false;
    case 'ingests':
      return expiry !== undefined && expiry >= at;
  }
}

/** Labels of one meaning may stand side by side, told apart by what follows a `.` or `/`. */
export function isAtOrBelow(label: string, prefix: string): boolean {
  return label === prefix || label.startsWith(`${prefix}.`) || label.startsWith(`${prefix}/`);
}

export function upToSlash(text: string): string {
  const slash = text.indexOf('/');
  return slash < 0 ? text : text.slice(0, slash);
}
