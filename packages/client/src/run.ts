import { randomBytes } from 'node:crypto';
import { withTty } from '@stowage/oci-spec';
import type { Exit } from '@stowage/runtime';
import type { ContainerHandle } from './container.ts';
import type { CreateContainerOptions } from './create-container.ts';
import { type ExecInOptions, execIn } from './exec-in.ts';
import type { ImageHandle } from './image.ts';
import type { IoOptions } from './process-io.ts';
import { begun, RunningProcess } from './running-process.ts';
import type { TaskHandle } from './task.ts';

export interface RunOptions extends Omit<CreateContainerOptions, 'id' | 'image'> {
  /** An image, or the name of one that is here. It is unpacked if it is not yet. */
  readonly image: ImageHandle | string;
  /** Default: a random one. */
  readonly id?: string | undefined;
  readonly io?: IoOptions | undefined;
}

/** A container that was made and started in one. Disposing kills what runs in it and leaves nothing of it. */
export class RunningContainer extends RunningProcess<TaskHandle> {
  readonly container: ContainerHandle;

  constructor(container: ContainerHandle, task: TaskHandle, pid: number, exit: Promise<Exit>) {
    super(task, pid, exit);
    this.container = container;
  }

  get id(): string {
    return this.container.id;
  }

  /**
   * Starts one more process in it while it runs, with the rights and surroundings of its own.
   *
   * @throws Fault `failed_precondition` if it does not run; `unknown` with the runtime's own words if the program can't be
   *   started. Nothing is left then, nor after an abort.
   */
  exec(options: ExecInOptions): Promise<RunningProcess> {
    return execIn(this.container, this.handle, options);
  }

  override async [Symbol.asyncDispose](): Promise<void> {
    // If it can't be ended, its container can't be deleted either.
    await super[Symbol.asyncDispose]();
    await this.container[Symbol.asyncDispose]();
  }
}

/** What it takes to run a container: a client has it. */
export interface Runner {
  image(name: string, options?: { readonly signal?: AbortSignal | undefined }): Promise<ImageHandle>;
  createContainer(options: CreateContainerOptions): Promise<ContainerHandle>;
}

export async function runContainer(runner: Runner, options: RunOptions): Promise<RunningContainer> {
  const { io, spec = [], signal, id = randomBytes(6).toString('hex'), ...more } = options;
  const { image: named } = options;
  const image = typeof named === 'string' ? await runner.image(named, { signal }) : named;
  await image.unpack({ snapshotter: options.snapshotter, signal });
  const wishes = io?.terminal ? [...spec, withTty()] : spec;
  const container = await runner.createContainer({ ...more, id, image, spec: wishes, signal });
  try {
    const task = await container.createTask({ io, signal });
    const { pid, exit } = await begun(task, signal);
    return new RunningContainer(container, task, pid, exit);
  } catch (e) {
    await container[Symbol.asyncDispose]();
    throw e;
  }
}
