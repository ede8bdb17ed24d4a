import { join } from 'node:path';
import type { Container, ContainerStore } from '@stowage/containers';
import {
  type CallOptions,
  compileFilters,
  Fault,
  quote,
  type Scope,
  type Scoped,
  validateIdentifier,
} from '@stowage/core';
import type { ProcessId, ProcessState, Runtime, TaskService } from '@stowage/runtime';
import { makeBundle, removeBundle } from './bundle.ts';
import type { ContainerProcess, DeletedProcess, Metric, NewExec, NewTask, Process, Tasks } from './tasks.ts';

/** A runtime that does not answer for this long is left out of a list (containerd's timeout `task.state`). */
const STATE_TIMEOUT_MS = 2000;

export interface RouterOptions {
  /** Where bundles are made: `<state>/<namespace>/<id>`. */
  readonly state: string;
  readonly containers: Scoped<ContainerStore>;
  /** Asked in order who serves a runtime name. */
  readonly runtimes: readonly Runtime[];
}

/** Tasks of all namespaces, each passed on to the runtime that has it. */
export class TaskRouter {
  readonly #options: RouterOptions;
  /** Which runtime has a task; a cache, the runtimes know. */
  readonly #homes = new Map<string, Runtime>();

  constructor(options: RouterOptions) {
    this.#options = options;
  }

  readonly scope: Scoped<Tasks> = (scope) => {
    if (scope.namespace === '') throw new Fault('failed_precondition', 'namespace is required');
    validateIdentifier(scope.namespace, 'namespace');
    return new RoutedTasks(this, scope);
  };

  get runtimes(): readonly Runtime[] {
    return this.#options.runtimes;
  }

  bundleOf(namespace: string, id: string): string {
    return join(this.#options.state, namespace, id);
  }

  container(scope: Scope, id: string, options: CallOptions): Promise<Container> {
    return this.#options.containers(scope).get(id, options);
  }

  /** @throws Fault `invalid_argument` if nobody serves the name. */
  runtimeNamed(name: string): Runtime {
    const runtime = this.runtimes.find((r) => r.serves(name));
    if (runtime === undefined) {
      throw new Fault('invalid_argument', `no runtime here runs containers of runtime ${quote(name)}`);
    }
    return runtime;
  }

  /** Where a task lives, and its init's state. @throws Fault `not_found` */
  async find(
    namespace: string,
    id: string,
    options: CallOptions = {},
  ): Promise<{ service: TaskService; state: ProcessState }> {
    const key = `${namespace}/${id}`;
    const known = this.#homes.get(key);
    for (const runtime of known ? [known, ...this.runtimes.filter((r) => r !== known)] : this.runtimes) {
      const service = runtime.tasks(namespace);
      try {
        const state = await service.state({ id }, options);
        this.#homes.set(key, runtime);
        return { service, state };
      } catch (e) {
        if (!Fault.is(e, 'not_found')) throw e;
      }
    }
    this.#homes.delete(key);
    throw new Fault(
      'not_found',
      `task ${quote(id)} not found: container has no running task in namespace ${namespace}`,
    );
  }

  forget(namespace: string, id: string): void {
    this.#homes.delete(`${namespace}/${id}`);
  }

  /** The task's runtime, without asking it first where it is known. */
  async home(namespace: string, id: string, options: CallOptions = {}): Promise<TaskService> {
    const known = this.#homes.get(`${namespace}/${id}`);
    return known ? known.tasks(namespace) : (await this.find(namespace, id, options)).service;
  }
}

class RoutedTasks implements Tasks {
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
    if (checkpoint !== undefined) {
      throw new Fault('unimplemented', `create task ${id}: restoring from a checkpoint is not built yet`);
    }
    if (container.spec === undefined)
      throw new Fault('invalid_argument', `create task ${id}: container has no spec`);
    const service = this.#router.runtimeNamed(runtimePath ?? container.runtime.name).tasks(namespace);
    await this.#refuseExisting(service, id, options);
    const bundle = this.#router.bundleOf(namespace, id);
    await makeBundle(bundle, container.spec);
    try {
      const how = { options: request.options ?? container.runtime.options };
      return await service.create({ id, bundle, rootfs, stdin, stdout, stderr, terminal, ...how }, options);
    } catch (e) {
      // A create that was given up may still be under way in the runtime, which then owns the bundle.
      if (!options.signal?.aborted) await removeBundle(bundle);
      throw e;
    }
  }

  async #refuseExisting(service: TaskService, id: string, options: CallOptions): Promise<void> {
    const found = await service.state({ id }, options).catch((e: unknown) => {
      if (Fault.is(e, 'not_found')) return undefined;
      throw e;
    });
    if (found !== undefined) throw new Fault('already_exists', `task ${id}: already exists`);
  }

  async start(process: ContainerProcess, options?: CallOptions): Promise<{ pid: number }> {
    return (await this.#home(process, options)).start(idOf(process), options);
  }

  async delete(containerId: string, options?: CallOptions): Promise<DeletedProcess> {
    const { namespace } = this.#scope;
    const service = await this.#home({ containerId }, options);
    const exit = await service.delete({ id: containerId }, options);
    this.#router.forget(namespace, containerId);
    await removeBundle(this.#router.bundleOf(namespace, containerId));
    return { id: containerId, ...exit };
  }

  async deleteProcess(process: Required<ContainerProcess>, options?: CallOptions): Promise<DeletedProcess> {
    const exit = await (await this.#home(process, options)).delete(idOf(process), options);
    return { id: process.execId ?? '', ...exit };
  }

  async get(process: ContainerProcess, options?: CallOptions): Promise<Process> {
    const { service, state } = await this.#router.find(this.#scope.namespace, process.containerId, options);
    return processOf(process.execId === undefined ? state : await service.state(idOf(process), options));
  }

  async *list(options: CallOptions = {}): AsyncGenerator<Process> {
    const { namespace } = this.#scope;
    for (const runtime of this.#router.runtimes) {
      for await (const task of runtime.list(options)) {
        if (task.namespace !== namespace) continue;
        const state = await answered(options, (o) => runtime.tasks(namespace).state({ id: task.id }, o));
        if (state !== undefined) yield processOf(state);
      }
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

  async pids(containerId: string, options?: CallOptions) {
    return (await this.#home({ containerId }, options)).pids(containerId, options);
  }

  async checkpoint({ containerId }: { containerId: string }): Promise<never> {
    throw new Fault(
      'unimplemented',
      `containerd.services.tasks.v1.Tasks.Checkpoint of ${containerId} is not built yet`,
    );
  }

  async update(request: Parameters<Tasks['update']>[0], options?: CallOptions): Promise<void> {
    const { containerId: id, resources, annotations } = request;
    await (await this.#home(request, options)).update({ id, resources, annotations }, options);
  }

  async *metrics(filters: readonly string[] = [], options: CallOptions = {}): AsyncGenerator<Metric> {
    const { namespace } = this.#scope;
    const matches = compileFilters(filters);
    for (const runtime of this.#router.runtimes) {
      for await (const { namespace: ns, id } of runtime.list(options)) {
        const fields: Readonly<Record<string, string>> = { id, namespace: ns };
        if (ns !== namespace || !matches(([field = '']) => fields[field])) continue;
        const data = await answered(options, (o) => runtime.tasks(ns).stats(id, o));
        if (data !== undefined) yield { id, timestamp: new Date(), data };
      }
    }
  }

  async wait(process: ContainerProcess, options?: CallOptions) {
    return (await this.#home(process, options)).wait(idOf(process), options);
  }

  #home({ containerId }: ContainerProcess, options: CallOptions | undefined): Promise<TaskService> {
    return this.#router.home(this.#scope.namespace, containerId, options);
  }
}

function idOf({ containerId, execId }: ContainerProcess): ProcessId {
  return execId === undefined ? { id: containerId } : { id: containerId, execId };
}

function processOf({ id, execId, bundle: _, ...same }: ProcessState): Process {
  return { ...same, containerId: id, id: execId === '' ? id : execId };
}

/**
 * One task's part of a list: undefined if the task is gone by now or its runtime does not answer in time, because a
 * list must not fail for the sake of one.
 */
async function answered<T>(
  { signal }: CallOptions,
  ask: (o: CallOptions) => Promise<T>,
): Promise<T | undefined> {
  const patience = AbortSignal.timeout(STATE_TIMEOUT_MS);
  try {
    return await ask({ signal: signal ? AbortSignal.any([signal, patience]) : patience });
  } catch (e) {
    signal?.throwIfAborted();
    if (patience.aborted || Fault.is(e)) return undefined;
    throw e;
  }
}
