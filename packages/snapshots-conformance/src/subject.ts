import type { KitCase, KitSubject } from '@stowage/conformance';
import type { Labels, Mount } from '@stowage/core';
import type { Snapshotter } from '@stowage/snapshots';

/** What not every snapshotter can do. A case that needs what is not claimed is reported skipped, never passed. */
export type Capability =
  /** Its mounts can be made here; {@link Subject.mount} makes them. */
  | 'mounts'
  /** Finds its snapshots again when the same root is opened a second time. */
  | 'reopen'
  /** Usage counts what a snapshot adds to its parent. Without it, a snapshot may count all that it shows. */
  | 'own-usage'
  /** Commits onto a parent given at commit. Without it, that is `unimplemented`. */
  | 'rebase'
  /** Has snapshots that nobody made here; {@link Subject.remote} tells how to ask for one. */
  | 'remote'
  /** Answers a prepare whose `containerd.io/snapshot.ref` names a snapshot that it has: a daemon's, not its backend's. */
  | 'targets';

/** Every capability, in the order in which they are told. */
export const capabilities: readonly Capability[] = [
  'mounts',
  'reopen',
  'own-usage',
  'rebase',
  'remote',
  'targets',
];

export type OpenSnapshotter = Snapshotter & Partial<AsyncDisposable>;

/** A snapshot that a remote snapshotter has without its having been made here. */
export interface RemoteSnapshot {
  /** What goes into the label `containerd.io/snapshot.ref`: its chain id. */
  readonly target: string;
  /** The committed snapshot that it is based on. Default: none. */
  readonly parent?: string | undefined;
  /** Other labels that it takes to be found. */
  readonly labels?: Labels | undefined;
}

/** The snapshotter that is put to the test. */
export interface Subject extends KitSubject<Capability, OpenSnapshotter> {
  /** Makes mounts at a fresh directory for as long as `use` runs. Needed for `mounts`. */
  mount?<T>(mounts: readonly Mount[], use: (path: string) => Promise<T>): Promise<T>;
  /** Needed for `remote`. */
  readonly remote?: RemoteSnapshot | undefined;
}

export interface CaseContext {
  readonly snapshotter: Snapshotter;
  /** Disposes the snapshotter and opens the same root again. */
  reopen(): Promise<Snapshotter>;
  /** Rejects where the subject does not claim `mounts`. */
  mount<T>(mounts: readonly Mount[], use: (path: string) => Promise<T>): Promise<T>;
  /** Undefined where the subject does not claim `remote`. */
  readonly remote: RemoteSnapshot | undefined;
}

/** One rule of the contract, put to the test. */
export type Case = KitCase<Capability, CaseContext>;
