import type { CallOptions, Labels, Scoped, Slot, TypedBytes } from '@stowage/core';

/**
 * What a sandbox is to be: metadata only. A sandbox is a place for containers that share something (a pod, a virtual
 * machine); its controller starts and stops it. It keeps whatever its `containerd.io/gc.ref.*` labels name from garbage
 * collection.
 *
 * @see containerd core/sandbox/store.go
 */
export interface SandboxStore {
  /** @throws Fault `not_found` */
  get(id: string, options?: CallOptions): Promise<Sandbox>;
  /** Sandboxes that match any of the filters (fields `id`, `labels`). */
  list(filters?: readonly string[], options?: CallOptions): AsyncIterable<Sandbox>;
  /** @throws Fault `already_exists`; `invalid_argument` for a bad id or label, or an extension without a name. */
  create(sandbox: NewSandbox, options?: CallOptions): Promise<Sandbox>;
  /**
   * Which controller runs a sandbox never changes.
   *
   * @param paths - `labels`, `labels.<key>`, `extensions`, `extensions.<name>`, `spec`, `runtime`; none replaces all of
   *   these.
   * @throws Fault `not_found`; `invalid_argument` for another path, or if none is given and the runtime name differs.
   */
  update(sandbox: NewSandbox, paths?: readonly string[], options?: CallOptions): Promise<Sandbox>;
  /** @throws Fault `not_found`. A running sandbox is none of its business. */
  delete(id: string, options?: CallOptions): Promise<void>;
}

export interface NewSandbox {
  /** An identifier: unique in its namespace. */
  readonly id: string;
  readonly labels: Labels;
  readonly runtime: SandboxRuntime;
  /** What its controller understands. */
  readonly spec: TypedBytes | undefined;
  /** Further data of clients, by a name of their choice. */
  readonly extensions: Readonly<Record<string, TypedBytes>>;
  /** Name of the controller that runs it: `shim`, `podsandbox`, ... */
  readonly sandboxer: string;
}

export interface SandboxRuntime {
  /** `io.containerd.runc.v2`, ...; may be empty. */
  readonly name: string;
  readonly options?: TypedBytes | undefined;
}

export interface Sandbox extends NewSandbox {
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

export const sandboxStoreSlot: Slot<Scoped<SandboxStore>> = {
  type: 'io.containerd.sandbox.store.v1',
  id: 'local',
  api: 1,
};
