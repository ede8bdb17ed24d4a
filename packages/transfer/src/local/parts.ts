import type { ContentStore } from '@stowage/content';
import type { Gate, Logger, Scope, Scoped } from '@stowage/core';
import type { Differ } from '@stowage/diff';
import type { ImageStore } from '@stowage/images';
import type { LeaseManager } from '@stowage/leases';
import type { Downloads } from '@stowage/oci-image';
import type { Registry, RegistryOptions } from '@stowage/registry';
import type { SnapshotService } from '@stowage/snapshots';
import type { TransferLimits } from './limits.ts';

/** What transfers are made of. */
export interface Parts {
  readonly content: Scoped<ContentStore>;
  readonly images: Scoped<ImageStore>;
  readonly leases: Scoped<LeaseManager>;
  /** Without one of these, nothing can be unpacked. */
  readonly snapshots?: SnapshotService | undefined;
  readonly differ?: Scoped<Differ> | undefined;
  /** What a snapshotter can do besides what all do. */
  readonly capabilitiesOf: (snapshotter: string) => readonly string[];
  /** Default: over the network. */
  readonly openRegistry?: ((options: RegistryOptions) => Registry) | undefined;
  readonly limits: TransferLimits;
  readonly downloads: Gate;
  readonly uploads: Gate;
  readonly log: Logger;
}

/** One transfer's. */
export interface Work {
  readonly parts: Parts;
  readonly scope: Scope;
  /** Blobs on their way, of all transfers, by namespace. */
  readonly bringing: Downloads;
  readonly signal: AbortSignal | undefined;
}
