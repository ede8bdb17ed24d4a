import type { CallOptions, Labels, Mount, Platform, Scope, Scoped, Slot, TypedBytes } from '@stowage/core';
import type { NewSandbox } from './sandbox-store.ts';

/**
 * Runs the sandboxes of one namespace.
 *
 * A sandbox is a place for containers that share something: a pod, a virtual machine. Its record in the
 * {@link SandboxStore} says what it is to be; its *sandboxer*, the controller whose name the record has, makes it so. The
 * order is `create` (ready, nothing runs), `start`, any number of containers, `stop` (what runs in it has ended, what it
 * holds is still there), `shutdown` (nothing is left). `start` answers an address; who creates a task with that address
 * has its container join the sandbox.
 *
 * Controllers publish nothing: who calls them on behalf of clients tells what happened.
 *
 * @see containerd core/sandbox/controller.go
 */
export interface SandboxController {
  /**
   * Makes a sandbox ready.
   *
   * @throws Fault `already_exists`; `not_found` if there is no such runtime; `invalid_argument` for a bad id or no
   *   runtime; `unimplemented` if the runtime has no sandboxes. Nothing is left of it then.
   */
  create(request: CreateSandbox, options?: CallOptions): Promise<void>;
  /**
   * Starts a sandbox that was made ready. If that fails it is shut down, and what `create` made is gone.
   *
   * @throws Fault `not_found`; `failed_precondition` if it was started before, which goes on.
   */
  start(id: string, options?: CallOptions): Promise<SandboxInstance>;
  /** What containers in it are made for, which need not be what the host is. @throws Fault `not_found` */
  platform(id: string, options?: CallOptions): Promise<Platform>;
  /** Ends what runs in a sandbox. One that has ended, or is not there, is a success. */
  stop(id: string, options?: StopSandbox): Promise<void>;
  /** Settles when the sandbox has ended; at once if it has. Held for as long as it takes. @throws Fault `not_found` */
  wait(id: string, options?: CallOptions): Promise<SandboxExit>;
  /** One that is not there is answered, too: with an empty state, and as ended now. */
  status(id: string, options?: StatusOfSandbox): Promise<SandboxStatus>;
  /** Removes all that is left of a sandbox, running or not. @throws Fault `not_found` */
  shutdown(id: string, options?: CallOptions): Promise<void>;
  /** What a sandbox uses as a whole. @throws Fault `not_found`; `unimplemented` if it can't tell. */
  metrics(id: string, options?: CallOptions): Promise<SandboxMetrics>;
  /**
   * Tells of a record that has changed.
   *
   * @param paths - what has changed, as in {@link SandboxStore.update}.
   */
  update(sandbox: NewSandbox, paths?: readonly string[], options?: CallOptions): Promise<void>;
}

export interface CreateSandbox {
  readonly id: string;
  /** Its record. Undefined where the caller leaves it to be looked up. */
  readonly sandbox: NewSandbox | undefined;
  /** A file system of its own, for a sandbox that needs one. */
  readonly rootfs: readonly Mount[];
  /** For the controller, which knows the encoding; not those of the runtime, which are in the record. */
  readonly options: TypedBytes | undefined;
  /** Network namespace that the caller has made; empty for none. */
  readonly netnsPath: string;
  readonly annotations: Labels;
}

export interface SandboxInstance {
  readonly id: string;
  /** On the host; 0 if it has none. */
  readonly pid: number;
  readonly createdAt: Date | undefined;
  /** Found out at the start. */
  readonly labels: Labels;
  /** Where its task API is served: `ttrpc+unix:///run/...`. Empty if containers can't join by an address. */
  readonly address: string;
  /** Of the task API; 0 without an address. */
  readonly version: number;
  /** The sandbox as it came out. */
  readonly spec: TypedBytes | undefined;
}

export interface StopSandbox extends CallOptions {
  /** What it is given to end by itself, in whole seconds. Absent or 0: its controller decides. */
  readonly timeoutSeconds?: number | undefined;
}

export interface StatusOfSandbox extends CallOptions {
  /** Details for people, too. */
  readonly verbose?: boolean | undefined;
}

export interface SandboxExit {
  /** 255 where nobody can tell any more. */
  readonly exitStatus: number;
  readonly exitedAt: Date;
}

export interface SandboxStatus {
  readonly id: string;
  readonly pid: number;
  /** In the controller's words: `SANDBOX_READY`, `SANDBOX_NOTREADY`. Empty for one that is not there. */
  readonly state: string;
  readonly info: Readonly<Record<string, string>>;
  readonly createdAt: Date | undefined;
  readonly exitedAt: Date | undefined;
  readonly extra: TypedBytes | undefined;
  readonly address: string;
  readonly version: number;
}

export interface SandboxMetrics {
  readonly id: string;
  readonly timestamp: Date | undefined;
  /** As of a task: `io.containerd.cgroups.v2.Metrics`, ... */
  readonly data: TypedBytes | undefined;
}

export interface SandboxRef {
  readonly namespace: string;
  readonly id: string;
}

/** A controller of all namespaces. */
export interface Sandboxer {
  readonly controller: Scoped<SandboxController>;
  /**
   * Sandboxes of earlier processes that are started and whose end nobody was told, for who tells it. Absent where the
   * controller is of another process, which tells its ends itself or can't list.
   */
  unfinished?(options?: CallOptions): AsyncIterable<SandboxRef>;
}

/** Controllers by the name that requests have as `sandboxer`: `shim`, ... */
export const sandboxerSlot: Slot<Sandboxer> = { type: 'io.containerd.sandbox.controller.v1', api: 1 };

/** Finds the controller that a request names. */
export interface SandboxControllers {
  /** @throws Fault `invalid_argument` without a name, `not_found` if there is none of it. */
  controller(scope: Scope, sandboxer: string): SandboxController;
}

export const sandboxControllersSlot: Slot<SandboxControllers> = {
  type: 'io.containerd.service.v1',
  id: 'sandbox-controllers-service',
  api: 1,
};
