import type { Digest, Labels } from '@stowage/core';
import type { Envelope } from '@stowage/events';
import type { Batch } from '../database/commit-queue.ts';
import type { LockSet } from './locks.ts';

/** What a backend is about to do, written before it does. Left over after a crash, it is undone. */
export type Intent =
  /** A snapshot is being made under `key`. */
  | { readonly act: 'make-snapshot'; readonly snapshotter: string; readonly key: string }
  /** A snapshot is being committed under `name`. Can't be undone, so if it happened the records follow. */
  | {
      readonly act: 'commit-snapshot';
      readonly snapshotter: string;
      readonly name: string;
      readonly forward: StoredBatch;
    }
  /** Labels of a snapshot are changing. `labels` are the old ones, for the same paths. */
  | {
      readonly act: 'label-snapshot';
      readonly snapshotter: string;
      readonly key: string;
      readonly labels: Labels;
      readonly paths: readonly string[];
    }
  /** Mounts are being activated under `key`. */
  | { readonly act: 'make-mounts'; readonly key: string }
  /** Bytes are becoming a blob, in whose namespace (older records do not say). */
  | { readonly act: 'make-blob'; readonly digest: Digest; readonly namespace?: string | undefined };

export interface StoredIntent {
  readonly intent: Intent;
  /** Held while it is carried out, and taken again to undo it. */
  readonly locks: LockSet;
}

/** What a backend is to delete, now that no record names it. */
export type Garbage =
  | { readonly kind: 'snapshot'; readonly snapshotter: string; readonly key: string }
  /** `namespace`: who had it last, where that is known; some backends are told (`storeFor`). */
  | { readonly kind: 'blob'; readonly digest: Digest; readonly namespace?: string | undefined }
  | { readonly kind: 'ingest'; readonly ref: string }
  | { readonly kind: 'mounts'; readonly key: string };

export interface StoredBatch {
  readonly puts: ReadonlyArray<readonly [string, string]>;
  readonly deletes: readonly string[];
  readonly events: ReadonlyArray<{
    readonly timestamp: string;
    readonly namespace: string;
    readonly topic: string;
    readonly typeUrl: string;
    readonly value: string;
  }>;
}

export function storedBatch({ puts, deletes, events }: Batch): StoredBatch {
  return {
    puts: [...puts].map(([key, value]) => [key, Buffer.from(value).toString('base64')] as const),
    deletes: [...deletes],
    events: events.map(({ timestamp, namespace, topic, event }) => ({
      timestamp: timestamp.toISOString(),
      namespace,
      topic,
      typeUrl: event.typeUrl,
      value: Buffer.from(event.value).toString('base64'),
    })),
  };
}

export function batchOf({ puts, deletes, events }: StoredBatch): Batch {
  return {
    puts: new Map(puts.map(([key, value]) => [key, Buffer.from(value, 'base64')])),
    deletes: new Set(deletes),
    events: events.map(
      ({ timestamp, namespace, topic, typeUrl, value }): Envelope => ({
        timestamp: new Date(timestamp),
        namespace,
        topic,
        event: { typeUrl, value: Buffer.from(value, 'base64') },
      }),
    ),
  };
}

export function jsonBytes(value: StoredIntent | Garbage): Uint8Array {
  return Buffer.from(JSON.stringify(value));
}

export function jsonOf<T extends StoredIntent | Garbage>(bytes: Uint8Array): T {
  return JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString()) as T;
}
