import type { Labels } from '@stowage/core';

/**
 * What a daemon can hold, as far as the oracle compares it. Fields marked *ours* are known to the journal only: no
 * daemon tells them.
 */
export type Thing =
  | { readonly kind: 'namespace'; readonly name: string; readonly labels: Labels }
  | { readonly kind: 'lease'; readonly namespace: string; readonly id: string; readonly labels: Labels }
  /** That a lease holds something. */
  | Edge
  | Blob
  | Ingest
  | {
      readonly kind: 'image';
      readonly namespace: string;
      readonly name: string;
      readonly target: string;
      readonly labels: Labels;
    }
  | Snapshot
  | Container;

export interface Edge {
  readonly kind: 'edge';
  readonly namespace: string;
  readonly lease: string;
  /** As leases name it: `content`, `ingests`, `snapshots/native`, ... */
  readonly type: string;
  readonly id: string;
}

export interface Blob {
  readonly kind: 'blob';
  readonly namespace: string;
  readonly digest: string;
  readonly sizeBytes: number;
  readonly labels: Labels;
  /** Ours: what its bytes are made from. */
  readonly seed?: string;
}

export interface Ingest {
  readonly kind: 'ingest';
  readonly namespace: string;
  readonly ref: string;
  /** Ours: what its bytes will be, whether only a lease keeps it, and the digest that it was opened with. */
  readonly seed?: string;
  readonly leased?: boolean;
  readonly expects?: string;
}

export interface Snapshot {
  readonly kind: 'snapshot';
  readonly namespace: string;
  readonly snapshotter: string;
  readonly name: string;
  readonly state: 'active' | 'committed' | 'view';
  readonly parent: string;
  readonly labels: Labels;
  /** Ours: what the files that were put into it are made from. */
  readonly seed?: string;
}

export interface Container {
  readonly kind: 'container';
  readonly namespace: string;
  readonly id: string;
  readonly snapshotter: string;
  readonly snapshot: string;
  readonly spec: string;
  readonly labels: Labels;
}

export type Kind = Thing['kind'];
export type Of<K extends Kind> = Extract<Thing, { kind: K }>;

const OURS: ReadonlySet<string> = new Set(['seed', 'leased', 'expects']);

/** What a daemon would tell of a thing, as text: equal for equal things. */
export function described(thing: Thing): string {
  const fields = Object.entries(thing)
    .filter(([name]) => !OURS.has(name))
    .map(([name, value]) => [name, name === 'labels' ? sorted(value as Labels) : value] as const)
    .sort(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify(Object.fromEntries(fields));
}

function sorted(labels: Labels): Array<[string, string]> {
  return Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1));
}
