import type { Transport } from '@connectrpc/connect';
import type { ContainerStore } from '@stowage/containers';
import { remoteContainers } from '@stowage/containers/remote';
import type { ContentStore } from '@stowage/content';
import { remoteContent } from '@stowage/content/remote';
import type { Scope } from '@stowage/core';
import type { ImageStore } from '@stowage/images';
import { remoteImages } from '@stowage/images/remote';
import type { LeaseManager } from '@stowage/leases';
import { remoteLeases } from '@stowage/leases/remote';
import type { NamespaceStore } from '@stowage/namespaces';
import { remoteNamespaces } from '@stowage/namespaces/remote';
import type { Snapshotter } from '@stowage/snapshots';
import { remoteSnapshotter } from '@stowage/snapshots/remote';

/** Whose objects the load makes; the odd clients work in one, the even in the other. */
export const NAMESPACES = ['faults-a', 'faults-b'] as const;
export const SNAPSHOTTERS = ['overlayfs', 'native'] as const;

/** What a daemon offers to one scope, through the remote forms. */
export interface Services {
  readonly namespaces: NamespaceStore;
  readonly content: ContentStore;
  readonly images: ImageStore;
  readonly containers: ContainerStore;
  readonly leases: LeaseManager;
  snapshotter(name: string): Snapshotter;
  /** The same under a lease. */
  leased(lease: string | undefined): Services;
}

export function servicesOf(transport: Transport, scope: Scope): Services {
  const { namespace } = scope;
  return {
    namespaces: remoteNamespaces(transport),
    content: remoteContent(transport, scope),
    images: remoteImages(transport, scope),
    containers: remoteContainers(transport, scope),
    leases: remoteLeases(transport, scope),
    snapshotter: (name) => remoteSnapshotter(transport, name, scope),
    leased: (lease) => servicesOf(transport, lease === undefined ? { namespace } : { namespace, lease }),
  };
}
