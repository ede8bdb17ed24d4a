import type { Container } from '@stowage/containers';
import { type CallOptions, Fault, type TypedBytes, unlessGone, whole } from '@stowage/core';
import { type CommitOptions, commitContainer } from './commit-container.ts';
import { type ContainerLogsOptions, containerLogs } from './container-logs.ts';
import { type ExecInOptions, execIn } from './exec-in.ts';
import type { ImageHandle } from './image.ts';
import type { LogLine } from './logs/lines.ts';
import { type PackedChanges, type PackOptions, packChanges } from './pack-changes.ts';
import { type IoOptions, ProcessIo } from './process-io.ts';
import type { RunningProcess } from './running-process.ts';
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
  #deleted = false;

  constructor(services: Services, id: string) {
    this.#services = services;
    this.id = id;
  }

  info(options?: CallOptions): Promise<Container> {
    return this.#services.containers.get(this.id, options);
  }

  /**
   * Makes its task: created, not yet running. Start it, or dispose it.
   *
   * @throws Fault `already_exists` if it has one; `unknown` with the runtime's own words if that fails. Nothing is left
   *   then, nor after an abort.
   */
  async createTask({ io, options, signal }: CreateTaskOptions = {}): Promise<TaskHandle> {
    const { snapshotter, snapshotKey } = await this.info({ signal });
    const { tasks } = this.#services;
    const containerId = this.id;
    const rootfs =
      snapshotKey === '' ? [] : await this.#services.snapshotter(snapshotter).mounts(snapshotKey, { signal });
    const streams = await ProcessIo.open(io);
    try {
      await whole(
        signal,
        () => tasks.create({ containerId, rootfs, options, ...streams.stdio }),
        () => tasks.delete(containerId),
      );
    } catch (e) {
      await streams[Symbol.asyncDispose]();
      throw e;
    }
    return new TaskHandle(tasks, containerId, streams);
  }

  /** The task that it has, without its streams. Disposing it leaves it alone. @throws Fault `not_found` */
  async task(options?: CallOptions): Promise<TaskHandle> {
    await this.#services.tasks.get({ containerId: this.id }, options);
    return new TaskHandle(this.#services.tasks, this.id, await ProcessIo.open(), 'borrowed');
  }

  /**
   * Starts one more process in it while it runs, with the rights and surroundings of its own.
   *
   * @throws Fault `failed_precondition` if it does not run; `unknown` with the runtime's own words if the program can't be
   *   started. Nothing is left then, nor after an abort.
   */
  async exec(options: ExecInOptions): Promise<RunningProcess> {
    return execIn(this, await this.task({ signal: options.signal }), options);
  }

  /**
   * What it printed into its log, line by line: into a file that its task was given as `stdout`, a URL `file:`, which is
   * read on the daemon's machine.
   *
   * @throws Fault `not_found` if there is no such container, or it keeps no log; `unavailable` if that can't be read here.
   */
  logs(options: ContainerLogsOptions = {}): AsyncIterable<LogLine> {
    return containerLogs(this.#services, this.id, options);
  }

  /** See {@link packChanges}. */
  packChanges(options?: PackOptions): Promise<PackedChanges> {
    return packChanges(this.#services, this.id, options);
  }

  /**
   * Makes an image of it: that it was made from, with what it changed on top.
   *
   * @throws Fault `not_found` if that image is gone; `failed_precondition` as {@link packChanges}.
   */
  commit(name: string, options: CommitOptions = {}): Promise<ImageHandle> {
    return commitContainer(this.#services, this.id, name, options);
  }

  /**
   * Removes it, and its snapshot.
   *
   * @throws Fault `failed_precondition` if it has a task, which is to be ended first. Daemons themselves do not ask.
   */
  async delete(options?: CallOptions): Promise<void> {
    const { snapshotter, snapshotKey } = await this.info(options);
    await this.#assertNoTask(options);
    await this.#services.containers.delete(this.id, options);
    this.#deleted = true;
    // In this order what fails from here on is unheld, and goes at the next collection.
    if (snapshotKey === '') return;
    await unlessGone(this.#services.snapshotter(snapshotter).remove(snapshotKey, options));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#deleted) await unlessGone(this.delete());
  }

  async #assertNoTask(options?: CallOptions): Promise<void> {
    const task = await unlessGone(this.#services.tasks.get({ containerId: this.id }, options));
    if (task === undefined) return;
    throw new Fault(
      'failed_precondition',
      `delete container ${this.id}: it has a task, which is ${task.status}; end and delete that first`,
    );
  }
}
