import type { KitCase, KitSubject } from '@stowage/conformance';
import type { ContentStore, ContentVerifier } from '@stowage/content';
import type { Digest } from '@stowage/core';

/** What not every store can do. A case that needs what is not claimed is reported skipped, never passed. */
export type Capability =
  /** Keeps labels, those of `commit` and those of `update`. Without it `update` is `unimplemented`. */
  | 'labels'
  /** Truncates an ingest to any offset. Without it, to 0 only, and anything else is `unimplemented`. */
  | 'truncate'
  /** Finds blobs and ingests again when the same root is opened a second time. */
  | 'reopen'
  /** Never serves bytes that the disk changed, and verifies: `verifier` and `damage` of {@link OpenStore} are there. */
  | 'verify'
  /** Knows of a blob apart from its bytes, so that it tells when they are missing. */
  | 'records'
  /** Has namespaces: `neighbour` of {@link OpenStore} is there. */
  | 'namespaces'
  /** Blobs of the neighbour need no bytes. Without it, they have to be sent. */
  | 'shares';

/** Of the file of a blob: a bit of it turned, its last byte cut off, or all of it gone. */
export type Damage = 'flip' | 'cut' | 'remove';

export type OpenStore = ContentStore &
  Partial<AsyncDisposable> & {
    readonly verifier?: ContentVerifier;
    /** Does to the bytes of a blob, behind the back of the store, what disks do. */
    readonly damage?: (digest: Digest, how: Damage) => Promise<void>;
    /** Another namespace of the same store. */
    readonly neighbour?: ContentStore;
  };

/** The store that is put to the test. */
export type Subject = KitSubject<Capability, OpenStore>;

export interface CaseContext {
  readonly store: OpenStore;
  /** Disposes the store and opens the same root again. */
  reopen(): Promise<OpenStore>;
}

/** One rule of the contract, put to the test. */
export type Case = KitCase<Capability, CaseContext>;
