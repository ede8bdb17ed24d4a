import type { KitCase, KitSubject } from '@stowage/conformance';
import type { Envelope } from '@stowage/events';
import type { Runtime, TaskService } from '@stowage/runtime';
import type { Containers } from './containers.ts';

/** What not every runtime can do. A case that needs what is not claimed is reported skipped, never passed. */
export type Capability =
  /** Containers go on when it is disposed, and the same root opened again has them. */
  | 'reopen'
  /** What runs in containers are processes of this machine, with pids by which others see and signal them. */
  | 'processes'
  /** Mounts what it is told for the root file system. */
  | 'mounts';

/** Every capability, in the order in which they are told. */
export const capabilities: readonly Capability[] = ['reopen', 'processes', 'mounts'];

/** A runtime, and what it told since it was opened, oldest first. */
export interface OpenRuntime extends AsyncDisposable {
  readonly runtime: Runtime;
  readonly envelopes: readonly Envelope[];
}

/** The runtime that is put to the test, as root, with containers of busybox. */
export interface Subject extends KitSubject<Capability, OpenRuntime> {
  /** Passed to each create: the name that the runtime was chosen by. */
  readonly runtime: string;
}

export interface CaseContext {
  readonly tasks: TaskService;
  readonly containers: Containers;
  /** What was told of a container, in order: topics without `/tasks/`, with `:<exec id>` where it is of an exec. */
  told(id: string): string[];
  list(): Promise<string[]>;
  /** Disposes the runtime and opens the same root again. */
  reopen(): Promise<void>;
}

/** One rule of the contract, put to the test. */
export type Case = KitCase<Capability, CaseContext>;
