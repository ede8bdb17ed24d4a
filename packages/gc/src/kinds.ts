import type { ObjectKind } from './object.ts';

/** One object of each kind, in a word for people. */
export const KIND_WORD: Readonly<Record<ObjectKind, string>> = {
  images: 'image',
  containers: 'container',
  sandboxes: 'sandbox',
  leases: 'lease',
  snapshots: 'snapshot',
  content: 'content',
  ingests: 'ingest',
  mounts: 'mount',
};

/** Whether a text is the word for a kind of object. */
export function isObjectKind(text: string): text is ObjectKind {
  return Object.hasOwn(KIND_WORD, text);
}
