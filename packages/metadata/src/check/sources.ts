import type { ContentStore } from '@stowage/content';
import { type CallOptions, type Digest, unlessGone } from '@stowage/core';
import type { Snapshotter } from '@stowage/snapshots';
import type { RawStore } from '../database/scan.ts';

/** The blobs that there are. */
export interface BlobSource {
  list(options: CallOptions): AsyncIterable<string>;
  sizeOf(digest: string, options: CallOptions): Promise<bigint | undefined>;
}

/** The snapshots that one snapshotter has, by its own names. */
export interface SnapshotSource {
  list(options: CallOptions): AsyncIterable<string>;
  has(name: string, options: CallOptions): Promise<boolean>;
}

/** Everything that a check compares; the same for a database in use and for a copy of one. */
export interface CheckSources {
  readonly store: RawStore;
  /** Undefined if blobs are not to be compared. */
  readonly content: BlobSource | undefined;
  readonly snapshotters: ReadonlyMap<string, SnapshotSource>;
  /**
   * Keeps records as they are until disposed, for a second look at what seemed wrong. Undefined where nobody writes.
   */
  readonly hold?: ((keys: readonly string[], options: CallOptions) => Promise<Disposable>) | undefined;
}

export function blobsOf(content: ContentStore): BlobSource {
  return {
    async *list(options) {
      for await (const { digest } of content.list([], options)) yield digest;
    },
    sizeOf: async (digest, options) => (await unlessGone(content.info(digest as Digest, options)))?.sizeBytes,
  };
}

export function snapshotsOf(snapshotter: Snapshotter): SnapshotSource {
  return {
    async *list(options) {
      for await (const { name } of snapshotter.list([], options)) yield name;
    },
    has: async (name, options) => (await unlessGone(snapshotter.stat(name, options))) !== undefined,
  };
}
