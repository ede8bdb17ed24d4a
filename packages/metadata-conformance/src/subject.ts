import type { KitCase, KitSubject } from '@stowage/conformance';
import type { ContainerStore } from '@stowage/containers';
import type { Scope } from '@stowage/core';
import type { Events } from '@stowage/events';
import type { ImageStore } from '@stowage/images';
import type { LeaseManager } from '@stowage/leases';
import type { NamespaceStore } from '@stowage/namespaces';
import type { SandboxStore } from '@stowage/sandboxes';

/** What not every daemon can do. A case that needs what is not claimed is reported skipped, never passed. */
export type Capability =
  /** Has records of sandboxes. */
  | 'sandboxes'
  /** Finds everything again when the same root is opened a second time. */
  | 'reopen';

export interface ScopedServices {
  readonly images: ImageStore;
  readonly containers: ContainerStore;
  readonly leases: LeaseManager;
  readonly sandboxes?: SandboxStore | undefined;
}

/** The services that are put to the test, which share one database. */
export interface MetadataServices extends Partial<AsyncDisposable> {
  readonly namespaces: NamespaceStore;
  readonly events: Pick<Events, 'subscribe'>;
  scope(scope: Scope): ScopedServices;
}

/**
 * What is put to the test. It may be the same daemon for all cases: each keeps to namespaces of its own.
 */
export type Subject = KitSubject<Capability, MetadataServices>;

export interface CaseContext {
  readonly services: MetadataServices;
  /** The name of a namespace of the case's own that is not there yet; another each time. */
  namespace(): string;
  /** Disposes the services and opens the same root again. */
  reopen(): Promise<MetadataServices>;
}

/** One rule of the contract, put to the test. */
export type Case = KitCase<Capability, CaseContext>;
