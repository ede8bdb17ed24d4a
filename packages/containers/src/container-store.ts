import type { CallOptions, Labels, Scoped, Slot, TypedBytes } from '@stowage/core';

/**
 * What a container is to be: metadata only, no process. A container keeps its snapshot and whatever its
 * `containerd.io/gc.ref.*` labels name from garbage collection.
 *
 * @see containerd core/containers/containers.go
 */
export interface ContainerStore {
  /** @throws Fault `not_found` */
  get(id: string, options?: CallOptions): Promise<Container>;
  /** Containers that match any of the filters (fields `id`, `runtime.name`, `image`, `labels`). */
  list(filters?: readonly string[], options?: CallOptions): AsyncIterable<Container>;
  /** @throws Fault `already_exists`; `invalid_argument` for a bad id, label or a missing runtime name. */
  create(container: NewContainer, options?: CallOptions): Promise<Container>;
  /**
   * @param paths - `labels`, `labels.<key>`, `spec`, `extensions`, `extensions.<key>`, `image`, `snapshotkey`; none
   *   replaces all of these.
   * @throws Fault `not_found`; `invalid_argument` for another path, or if none is given and snapshotter or runtime
   *   name differ.
   */
  update(container: NewContainer, paths?: readonly string[], options?: CallOptions): Promise<Container>;
  /** @throws Fault `not_found`. A running task is none of its business. */
  delete(id: string, options?: CallOptions): Promise<void>;
}

export interface NewContainer {
  readonly id: string;
  readonly labels: Labels;
  /** Name of the image it was made from; may be empty. */
  readonly image: string;
  readonly runtime: ContainerRuntime;
  /** An OCI runtime spec. */
  readonly spec: TypedBytes | undefined;
  readonly snapshotter: string;
  readonly snapshotKey: string;
  readonly extensions: Readonly<Record<string, TypedBytes>>;
  /** Id of the sandbox it belongs to; empty for none. */
  readonly sandboxId: string;
}

export interface ContainerRuntime {
  /** `io.containerd.runc.v2`, ... */
  readonly name: string;
  readonly options?: TypedBytes | undefined;
}

export interface Container extends NewContainer {
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

export const containerServiceSlot: Slot<Scoped<ContainerStore>> = {
  type: 'io.containerd.service.v1',
  id: 'containers-service',
  api: 1,
};
