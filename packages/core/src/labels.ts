import { Fault } from './fault.ts';
import { quote } from './identifiers.ts';

/** Key-value pairs on an object. An empty value in an update deletes the key. */
export type Labels = Readonly<Record<string, string>>;

/** Longest key and value together, in bytes of UTF-8 (containerd pkg/labels). */
export const MAX_LABEL_BYTES = 4096;

/** @throws Fault `invalid_argument` naming the key. */
export function validateLabels(labels: Labels): void {
  for (const [key, value] of Object.entries(labels)) {
    const bytes = Buffer.byteLength(key) + Buffer.byteLength(value);
    if (bytes > MAX_LABEL_BYTES) {
      throw new Fault(
        'invalid_argument',
        `label ${quote(key)}: key and value are ${bytes} bytes, the most is ${MAX_LABEL_BYTES}`,
      );
    }
  }
}

/**
 * A copy of a hostile map in which `__proto__` and `constructor` are keys like any other, without the entries
 * whose value is empty (an empty value deletes).
 */
export function cleanLabels(labels: Labels): Record<string, string> {
  const clean: Record<string, string> = Object.create(null);
  for (const [key, value] of Object.entries(labels)) if (value !== '') clean[key] = value;
  return clean;
}

/** Label keys that containerd gives a meaning. */
export const LABEL = {
  gcRoot: 'containerd.io/gc.root',
  gcRefContent: 'containerd.io/gc.ref.content',
  gcRefSnapshot: 'containerd.io/gc.ref.snapshot',
  gcRefImage: 'containerd.io/gc.ref.image',
  gcBackRef: 'containerd.io/gc.bref',
  gcExpire: 'containerd.io/gc.expire',
  gcFlat: 'containerd.io/gc.flat',
  uncompressed: 'containerd.io/uncompressed',
  distributionSource: 'containerd.io/distribution.source',
  snapshotRef: 'containerd.io/snapshot.ref',
  snapshotPrefix: 'containerd.io/snapshot/',
  shareable: 'containerd.io/namespace.shareable',
} as const;
