import type { Container } from '@stowage/containers';
import { type CallOptions, Fault, type TypedBytes } from '@stowage/core';
import { type IoOptions, ProcessIo } from './process-io.ts';
import type { Services } from './services.ts';
import { TaskHandle } from './task.ts';

export interface CreateTaskOptions extends CallOptions {
  readonly io?: IoOptions | undefined;
  /** Instead of the container's runtime options. */
  readonly options?: TypedBytes | undefined;
}

/** A container of the daemon. Disposing deletes it, with the snapshot that was made for it. */
export class ContainerHandle implements AsyncDisposable {
  readonly id: string;
  readonly #services: Services;
  readonly #ownsSnapshot: boolean;
  #deleted = false;

  constructor(services: Services, id: string, ownsSnapshot: boolean) {
    this.#services = services;
    this.id = id;
    this.#ownsSnapshot = ownsSnapshot;
  }

  info(options?: CallOptions): Promise<Container> {
    return this.#services.containers.get(this.id, options);
  }

  /** Makes its task: created, not yet running. */
  async createTask({ io, options, signal }: CreateTaskOptions = {}): Promise<TaskHandle> {
    const { snapshotter, snapshotKey } = await this.info({ signal });
    const rootfs =
      snapshotKey === '' ? [] : await this.#services.snapshotter(snapshotter).mounts(snapshotKey, { signal });
    const streams = await ProcessIo.open(io);
    try {
      await this.#services.tasks.create(
        { containerId: this.id, rootfs, options, ...streams.stdio },
        { signal },
      );
    } catch (e) {
      await streams[Symbol.asyncDispose]();
      throw e;
    }
    return new TaskHandle(this.#services.tasks, this.id, streams);
  }

  /** Removes it. A task that it has is the caller's to end first. */
  async delete(options?: CallOptions): Promise<void> {
    const { snapshotter, snapshotKey } = await this.info(options);
    await this.#services.containers.delete(this.id, options);
    this.#deleted = true;
    if (!this.#ownsSnapshot || snapshotKey === '') return;
    try {
      await this.#services.snapshotter(snapshotter).remove(snapshotKey, options);
    } catch (e) {
      if (!Fault.is(e, 'not_found')) throw e;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#deleted) return;
    try {
      await this.delete();
    } catch (e) {
      if (!Fault.is(e, 'not_found')) throw e;
    }
  }
}
