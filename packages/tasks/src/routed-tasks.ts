import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import {
  type CallOptions,
  compileFilters,
  type Descriptor,
  Fault,
  type Mount,
  reasonOf,
  type Scope,
  unlessGone,
  validateIdentifier,
} from '@stowage/core';
import type { Exit, ProcessId, ProcessInfo, ProcessState, TaskRef, TaskService } from '@stowage/runtime';
import { makeBundle, removeBundle } from './bundle.ts';
import { takeCheckpoint } from './checkpoint/take.ts';
import { unpackCheckpoint } from './checkpoint/unpack.ts';
import { restorePathOf } from './convert.ts';
import { inTime } from './in-time.ts';
import type { TaskRouter } from './router.ts';
import { sandboxPlace } from './sandbox-place.ts';
import type { ContainerProcess, DeletedProcess, Metric, NewExec, NewTask, Process, Tasks } from './tasks.ts';

/** How many tasks a list asks after at the same time. */
const ABREAST = 16;
/** How long a runtime that died may take to be there again. */
const RUNTIME_BACK_MS = 5000;
const RETRY_MS = 50;
/** How long a runtime may take to undo what was given up. */
const UNDONE_MS = 10_000;

/** Tasks of one namespace, over all runtimes. */
export class RoutedTasks implements Tasks {
  readonly #router: TaskRouter;
  readonly #scope: Scope;

  constructor(router: TaskRouter, scope: Scope) {
    this.#router = router;
    this.#scope = scope;
  }

  async create(request: NewTask, options: CallOptions = {}): Promise<{ pid: number }> {
    const { containerId: id, checkpoint, runtimePath, rootfs, stdin, stdout, stderr, terminal } = request;
    const { namespace } = this.#scope;
    const container = await this.#router.container(this.#scope, id, options);
    const { spec, runtime } = container;
    if (spec === undefined) throw new Fault('invalid_argument', `create task ${id}: container has no spec`);
    const name = runtimePath ?? runtime.name;
    const sandbox = sandboxPlace(container, request);
    const host = sandbox && (await this.#router.hostOf(namespace, sandbox, `create task ${id}`, options));
    const service = (host ?? this.#router.runtimeNamed(name)).tasks(namespace);
    const bundle = this.#router.bundleOf(namespace, id);
    const how = { options: request.options ?? runtime.options, ...(host && { sandbox }) };
    const restored = { checkpoint, path: restorePathOf(request.options) };
    const undo = async (signal: AbortSignal) => {
      await unlessGone(service.delete({ id }, { signal }));
      await this.#leaveNothing(id);
    };
    const run = async (signal: AbortSignal) => {
      await this.#refuseExisting(id, { signal });
      await makeBundle(bundle, spec);
      const from = await this.#unpacked(id, bundle, restored, { signal });
      const left = await this.#activated(id, rootfs, { signal });
      try {
        return await service.create(
          {
            id,
            bundle,
            runtime: name,
            rootfs: left,
            stdin,
            stdout,
            stderr,
            terminal,
            checkpoint: from,
            ...how,
          },
          { signal },
        );
      } catch (e) {
        // Whose task it is that exists, its bundle is.
        if (Fault.is(e, 'already_exists')) throw e;
        if (signal.aborted) {
          await this.#undoneInTime(id, undo);
          throw e;
        }
        // A runtime that died over it may have made it all the same, or used the bundle.
        if (isGone(e)) await this.#removed(service, id, signal);
        await this.#leaveNothing(id);
        throw e;
      }
    };
    return this.#router.change(namespace, id, { run, undo }, options);
  }

  async #refuseExisting(id: string, options: CallOptions): Promise<void> {
    const found = await unlessGone(this.#router.find(this.#scope.namespace, id, options));
    if (found !== undefined) throw new Fault('already_exists', `task ${id}: already exists`);
  }

  /** The mounts that are left to the runtime; nobody knows of the bundle yet. */
  async #activated(id: string, rootfs: readonly Mount[], options: CallOptions): Promise<readonly Mount[]> {
    try {
      const left = await this.#router.rootfsMounts.activate(this.#scope, id, rootfs, options);
      options.signal?.throwIfAborted();
      return left;
    } catch (e) {
      await this.#leaveNothing(id);
      throw e;
    }
  }

  /** The directory to restore from; undefined for a task that begins anew. Nobody knows of the bundle yet. */
  async #unpacked(
    id: string,
    bundle: string,
    { checkpoint, path }: { readonly checkpoint: Descriptor | undefined; readonly path: string },
    options: CallOptions,
  ): Promise<string | undefined> {
    if (path !== '' || checkpoint === undefined) return path === '' ? undefined : path;
    const directory = join(bundle, 'checkpoint');
    try {
      await unpackCheckpoint(this.#router.content(this.#scope), checkpoint, directory, options);
      return directory;
    } catch (e) {
      await this.#leaveNothing(id);
      throw e;
    }
  }

  /** A creation that was given up goes on at its runtime for a while; until it is undone nobody else shall begin one. */
  async #undoneInTime(id: string, undo: (signal: AbortSignal) => Promise<void>): Promise<void> {
    const patience = AbortSignal.any([this.#router.stopping, AbortSignal.timeout(UNDONE_MS)]);
    try {
      await undo(patience);
    } catch (e) {
      this.#router.log.warn({ id, reason: reasonOf(e) }, 'a task whose creation was given up may be there');
    }
  }

  /** Settles when the runtime has no such task. One that died is given time to come back. */
  async #removed(service: TaskService, id: string, signal: AbortSignal): Promise<void> {
    for (const giveUp = performance.now() + RUNTIME_BACK_MS; ; ) {
      try {
        await unlessGone(service.delete({ id }, { signal }));
        return;
      } catch (e) {
        if (!isGone(e) || performance.now() > giveUp || signal.aborted) {
          this.#router.log.warn({ id, reason: reasonOf(e) }, 'a task whose creation failed may be there');
          return;
        }
      }
      await delay(RETRY_MS);
    }
  }

  /** The caller is told of what came before, so that a bundle which can't be removed is only logged. */
  async #leaveNothing(id: string): Promise<void> {
    const { namespace } = this.#scope;
    const bundle = this.#router.bundleOf(namespace, id);
    try {
      await removeBundle(bundle);
      this.#router.leftBundles.gone(namespace, id);
    } catch (e) {
      this.#router.log.warn({ bundle, reason: reasonOf(e) }, 'a bundle stays, and is removed later');
      this.#router.leftBundles.later(namespace, id);
    }
    await this.#router.rootfsMounts.deactivate(this.#scope, id);
  }

  /** Removes the bundle of a task that no runtime has. */
  async removeOrphan(id: string): Promise<void> {
    const { namespace } = this.#scope;
    const run = async (signal: AbortSignal) => {
      const found = await unlessGone(this.#router.find(namespace, id, { signal }));
      if (found === undefined) await this.#leaveNothing(id);
      else this.#router.leftBundles.gone(namespace, id);
    };
    await this.#router.change(namespace, id, { run });
  }

  async start(process: ContainerProcess, options?: CallOptions): Promise<{ pid: number }> {
    return (await this.#home(process, options)).start(idOf(process), options);
  }

  delete(containerId: string, options?: CallOptions): Promise<DeletedProcess> {
    const { namespace } = this.#scope;
    const run = async (signal: AbortSignal) => {
      try {
        const service = await this.#home({ containerId }, { signal });
        const exit = await service.delete({ id: containerId }, { signal });
        await this.#leaveNothing(containerId);
        return { id: containerId, ...exit };
      } catch (e) {
        // A runtime that died over an earlier delete may have done its part.
        if (Fault.is(e, 'not_found')) await this.#leaveNothing(containerId);
        throw e;
      }
    };
    return this.#router.change(namespace, containerId, { run }, options);
  }

  async deleteProcess(process: Required<ContainerProcess>, options?: CallOptions): Promise<DeletedProcess> {
    const exit = await (await this.#home(process, options)).delete(idOf(process), options);
    return { id: process.execId ?? '', ...exit };
  }

  async get(process: ContainerProcess, options?: CallOptions): Promise<Process> {
    const { containerId, execId } = process;
    const { service, state } = await this.#router.find(this.#scope.namespace, containerId, options);
    if (execId === undefined) return processOf(state);
    const what = `state of exec ${execId} in ${containerId}`;
    return processOf(await inTime(what, options ?? {}, (o) => service.state(idOf(process), o)));
  }

  async *list(options: CallOptions = {}): AsyncGenerator<Process> {
    const { namespace } = this.#scope;
    const mine = (task: TaskRef) => task.namespace === namespace;
    for await (const state of this.#each(mine, (service, id, o) => service.state({ id }, o), options)) {
      yield processOf(state);
    }
  }

  async kill(
    request: ContainerProcess & { signal: number; all?: boolean | undefined },
    options?: CallOptions,
  ): Promise<void> {
    const { signal, all } = request;
    await (await this.#home(request, options)).kill({ ...idOf(request), signal, all }, options);
  }

  async exec(request: NewExec, options?: CallOptions): Promise<void> {
    const { containerId: id, execId, spec, stdin, stdout, stderr, terminal } = request;
    validateIdentifier(execId, 'exec id');
    if (spec === undefined)
      throw new Fault('invalid_argument', `exec ${execId} in ${id}: process spec is required`);
    const service = await this.#home(request, options);
    await service.exec({ id, execId, spec, stdin, stdout, stderr, terminal }, options);
  }

  async resizePty(
    request: ContainerProcess & { width: number; height: number },
    options?: CallOptions,
  ): Promise<void> {
    const { width, height } = request;
    await (await this.#home(request, options)).resizePty({ ...idOf(request), width, height }, options);
  }

  async closeIO(process: ContainerProcess, options?: CallOptions): Promise<void> {
    await (await this.#home(process, options)).closeIO(idOf(process), options);
  }

  async pause(containerId: string, options?: CallOptions): Promise<void> {
    await (await this.#home({ containerId }, options)).pause(containerId, options);
  }

  async resume(containerId: string, options?: CallOptions): Promise<void> {
    await (await this.#home({ containerId }, options)).resume(containerId, options);
  }

  async pids(containerId: string, options?: CallOptions): Promise<ProcessInfo[]> {
    return (await this.#home({ containerId }, options)).pids(containerId, options);
  }

  async checkpoint(
    { containerId: id, options: how }: Parameters<Tasks['checkpoint']>[0],
    options: CallOptions = {},
  ): Promise<Descriptor[]> {
    const { spec } = await this.#router.container(this.#scope, id, options);
    const service = await this.#home({ containerId: id }, options);
    const bundle = this.#router.bundleOf(this.#scope.namespace, id);
    const content = () => this.#router.content(this.#scope);
    return takeCheckpoint({ id, service, spec, how, bundle, content }, options);
  }

  async update(request: Parameters<Tasks['update']>[0], options?: CallOptions): Promise<void> {
    const { containerId: id, resources, annotations } = request;
    await (await this.#home(request, options)).update({ id, resources, annotations }, options);
  }

  async *metrics(filters: readonly string[] = [], options: CallOptions = {}): AsyncGenerator<Metric> {
    const matches = compileFilters(filters);
    const mine = ({ namespace, id }: TaskRef) => {
      const fields: Readonly<Record<string, string>> = { id, namespace };
      return namespace === this.#scope.namespace && matches(([field = '']) => fields[field]);
    };
    const ask = async (service: TaskService, id: string, o: CallOptions) => {
      const data = await service.stats(id, o);
      return { id, timestamp: new Date(), data };
    };
    yield* this.#each(mine, ask, options);
  }

  async wait(process: ContainerProcess, options?: CallOptions): Promise<Exit> {
    return (await this.#home(process, options)).wait(idOf(process), options);
  }

  /** The task's runtime. With one runtime only, that one says what it does not have. */
  async #home({ containerId }: ContainerProcess, options: CallOptions | undefined): Promise<TaskService> {
    const { namespace } = this.#scope;
    const [only, ...others] = this.#router.runtimes;
    if (only !== undefined && others.length === 0) return only.tasks(namespace);
    return (await this.#router.find(namespace, containerId, options)).service;
  }

  /** Asks after tasks, several at a time. Left out are those that are gone by now and those nobody answers for. */
  async *#each<T>(
    wanted: (task: TaskRef) => boolean,
    ask: (service: TaskService, id: string, options: CallOptions) => Promise<T>,
    options: CallOptions,
  ): AsyncGenerator<T> {
    for (const runtime of this.#router.runtimes) {
      const tasks = (await Array.fromAsync(runtime.list(options))).filter(wanted);
      for (let i = 0; i < tasks.length; i += ABREAST) {
        const answers = tasks
          .slice(i, i + ABREAST)
          .map(({ namespace, id }) => inTime(id, options, (o) => ask(runtime.tasks(namespace), id, o)));
        const settled = await Promise.allSettled(answers);
        options.signal?.throwIfAborted();
        for (const answer of settled) {
          if (answer.status === 'fulfilled') yield answer.value;
          else if (!Fault.is(answer.reason)) throw answer.reason;
        }
      }
    }
  }
}

/** A runtime that dies ends the calls that are under way in it. Nobody else ends one whose caller has not left. */
function isGone(e: unknown): boolean {
  return Fault.is(e, 'unavailable') || Fault.is(e, 'canceled');
}

function idOf({ containerId, execId }: ContainerProcess): ProcessId {
  return execId === undefined ? { id: containerId } : { id: containerId, execId };
}

function processOf({ id, execId, bundle: _, ...same }: ProcessState): Process {
  return { ...same, containerId: id, id: execId === '' ? id : execId };
}
