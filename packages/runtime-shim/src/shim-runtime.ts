import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Fault, type Logger, silentLogger, type TypedBytes, validateIdentifier } from '@stowage/core';
import type { Events } from '@stowage/events';
import { eventsTtrpcRoutes } from '@stowage/events/service';
import { Mounter } from '@stowage/linux/mounter';
import type { Runtime, RuntimeInfo, SandboxPlace, TaskRef, TaskService } from '@stowage/runtime';
import { serveTtrpc, type TtrpcServer } from '@stowage/ttrpc';
import { adoptTask } from './adopt-task.ts';
import { ShimConnections } from './connections.ts';
import type { ShimContext } from './context.ts';
import { findShim, isShimName } from './lookup.ts';
import { TaskRecords } from './records.ts';
import { EventRelay } from './relay.ts';
import { runtimeInfo } from './runtime-info.ts';
import { ShimSandboxes } from './sandbox/shim-sandboxes.ts';
import { shimTasks } from './shim-tasks.ts';
import { ShimStarter } from './start-shim.ts';
import { Table } from './table.ts';
import { ShimTask } from './task.ts';

export interface ShimRuntimeOptions {
  /** Directory of its own. What is in it need not outlive the machine, and must not be older than its boot. */
  readonly state: string;
  /** Where events of tasks are passed on to. */
  readonly events: Pick<Events, 'forward'>;
  /** Where shims are looked for, as the variable PATH. Default: that variable. */
  readonly path?: string | undefined;
  /** Looked into after those: where the program that this is part of lies. */
  readonly beside?: string | undefined;
  /** How long the start of a shim may take. Default 20,000: some start a virtual machine. */
  readonly startTimeoutMs?: number | undefined;
  readonly log?: Logger | undefined;
}

/**
 * Runs containers by any binary that follows containerd's shim contract, version 2 or 3. Shims outlive this process; the
 * next one finds them again.
 *
 * Shims report to a socket in the state directory, so it works without a daemon too.
 *
 * @see containerd core/runtime/v2
 */
export class ShimRuntime implements Runtime, AsyncDisposable {
  readonly #context: ShimContext;
  readonly #server: TtrpcServer;
  readonly #sandboxes: Set<ShimSandboxes>;
  #closed = false;

  private constructor(context: ShimContext, server: TtrpcServer, sandboxes: Set<ShimSandboxes>) {
    this.#context = context;
    this.#server = server;
    this.#sandboxes = sandboxes;
  }

  /** Finds the tasks of earlier processes, each within seconds; what happened to them in between is told. */
  static async open(options: ShimRuntimeOptions): Promise<ShimRuntime> {
    const {
      state,
      events,
      path = process.env.PATH ?? '',
      beside,
      startTimeoutMs = 20_000,
      log = silentLogger,
    } = options;
    await mkdir(state, { recursive: true, mode: 0o700 });
    // Shims that are told one address make the other by this ending.
    const at = { grpc: join(state, 's'), ttrpc: join(state, 's.ttrpc') };
    const tasks = new Table<ShimTask>();
    const records = new TaskRecords(join(state, 'tasks'));
    const relay = new EventRelay({
      ...{ events, log },
      find: (task) => tasks.get(task),
      save: async (task) => {
        if (task.phase === 'there') await records.put(task, task.record);
      },
    });
    const parts = {
      connections: new ShimConnections(),
      mounter: new Mounter(),
      starter: new ShimStarter({ at, timeoutMs: startTimeoutMs, log }),
    };
    const sandboxes = new Set<ShimSandboxes>();
    const context: ShimContext = {
      ...{ at, lookup: { path, beside }, log, tasks, records, relay, ...parts },
      findSandbox: (ref) => [...sandboxes].map((some) => some.endpoint(ref)).find((one) => one !== undefined),
    };
    const forward: Events['forward'] = (envelope) => relay.forward(envelope);
    // Shims tell what nobody took as soon as somebody listens; by then it must be known what it is about.
    const found = (await records.all(log)).map(({ record, ...task }) => new ShimTask(task, record));
    for (const task of found) tasks.add(task);
    const server = await serveTtrpc({ path: at.ttrpc, routes: [eventsTtrpcRoutes({ forward })], log });
    const runtime = new ShimRuntime(context, server, sandboxes);
    try {
      await Promise.all(found.map((task) => adoptTask(context, task)));
      return runtime;
    } catch (e) {
      await runtime[Symbol.asyncDispose]();
      throw e;
    }
  }

  serves(runtimeName: string): boolean {
    return isShimName(runtimeName);
  }

  /** By the address that the start of the sandbox answered; without one, if its shim is one of this runtime's. */
  joins(namespace: string, { id, address }: SandboxPlace): boolean {
    return address !== '' || this.#context.findSandbox({ namespace, id }) !== undefined;
  }

  /**
   * Sandboxes by shims of this runtime, for its tasks to join. To be disposed before the runtime.
   *
   * @param state - directory of their own, as the runtime's.
   */
  async openSandboxes(state: string): Promise<ShimSandboxes> {
    if (this.#closed) throw closed();
    const opened = await ShimSandboxes.open(this.#context, state);
    this.#sandboxes.add(opened);
    return opened;
  }

  tasks(namespace: string): TaskService {
    if (namespace === '') throw new Fault('failed_precondition', 'namespace is required');
    validateIdentifier(namespace, 'namespace');
    if (this.#closed) throw closed();
    return shimTasks(this.#context, namespace);
  }

  async *list(): AsyncGenerator<TaskRef> {
    const there = [...this.#context.tasks.values()].filter(({ phase }) => phase === 'there');
    yield* there.map(({ namespace, id }) => ({ namespace, id }));
  }

  async info(
    { runtimeName, options }: { readonly runtimeName: string; readonly options?: TypedBytes | undefined },
    { signal }: { readonly signal?: AbortSignal | undefined } = {},
  ): Promise<RuntimeInfo> {
    const { lookup, at } = this.#context;
    return runtimeInfo(runtimeName, await findShim(runtimeName, lookup), options, at, signal);
  }

  /** Shims and containers go on. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    const { tasks, connections, mounter } = this.#context;
    // What is under way with a task is finished first.
    for (const task of [...tasks.values()]) (await tasks.lock(task))[Symbol.dispose]();
    await connections[Symbol.asyncDispose]();
    for (const { exits, later } of tasks.values()) {
      clearTimeout(later);
      exits.close(closed());
    }
    await this.#server.close();
    await mounter[Symbol.asyncDispose]();
  }
}

function closed(): Fault {
  return new Fault('unavailable', 'the runtime is closed');
}
