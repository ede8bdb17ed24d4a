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

export interface Subject {
  readonly name: string;
  readonly capabilities: ReadonlySet<Capability>;
  /**
   * Cases that it is known to break, with what it does instead. These must fail, so that the list stays true.
   */
  readonly differences?: Readonly<Record<string, string>> | undefined;
  /**
   * The services at a directory. It may be the same daemon for all cases: each keeps to namespaces of its own. The kit
   * disposes what it is given.
   */
  open(root: string): Promise<MetadataServices>;
}

export interface CaseContext {
  readonly services: MetadataServices;
  /** The name of a namespace of the case's own that is not there yet; another each time. */
  namespace(): string;
  /** Disposes the services and opens the same root again. */
  reopen(): Promise<MetadataServices>;
}

/** One rule of the contract, put to the test. */
export interface Case {
  /** Stable: others name it in reports and lists of differences. */
  readonly id: string;
  readonly needs?: readonly Capability[] | undefined;
  /** Rejects if the services broke the rule. */
  run(context: CaseContext): Promise<void>;
}

/** What the kit needs of a test runner: `describe`, `test` and `test.skip` of jest, vitest or node:test. */
export interface Runner {
  describe(name: string, body: () => void): void;
  test(name: string, body: () => Promise<void>): void;
  skip(name: string, body: () => Promise<void>): void;
}
