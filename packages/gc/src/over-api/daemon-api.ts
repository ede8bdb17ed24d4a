import type { ContainerStore } from '@stowage/containers';
import type { ContentStore } from '@stowage/content';
import type { CallOptions, Labels, Scoped } from '@stowage/core';
import type { ImageStore } from '@stowage/images';
import type { LeaseManager } from '@stowage/leases';
import type { NamespaceStore } from '@stowage/namespaces';
import type { Snapshotter } from '@stowage/snapshots';

/** The services of a daemon that tell what it has. */
export interface DaemonApi {
  readonly namespaces: Pick<NamespaceStore, 'list'>;
  /** All services of one namespace. */
  readonly scoped: Scoped<NamespaceApi>;
  /** Names of the snapshotters there are. Others than these are not looked into. */
  snapshotters(options: CallOptions): Promise<readonly string[]>;
}

export interface NamespaceApi {
  readonly content: Pick<ContentStore, 'list' | 'statuses'>;
  readonly images: Pick<ImageStore, 'list'>;
  readonly containers: Pick<ContainerStore, 'list'>;
  readonly leases: Pick<LeaseManager, 'list' | 'resources'>;
  /** Calls that are `unimplemented` tell that there are none. */
  readonly sandboxes: SandboxList;
  snapshotter(name: string): Pick<Snapshotter, 'list' | 'usage'>;
}

/** Of the store of sandboxes. */
export interface SandboxList {
  list(
    filters?: readonly string[],
    options?: CallOptions,
  ): AsyncIterable<{ readonly id: string; readonly labels: Labels }>;
}
