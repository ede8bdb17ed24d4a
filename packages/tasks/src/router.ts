import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Container, ContainerStore } from '@stowage/containers';
import type { ContentStore } from '@stowage/content';
import {
  type CallOptions,
  Fault,
  type Logger,
  quote,
  reasonOf,
  type Scope,
  type Scoped,
  silentLogger,
  unlessGone,
  validateIdentifier,
} from '@stowage/core';
import type { MountManager } from '@stowage/mounts';
import type { ProcessState, Runtime, SandboxPlace, TaskService } from '@stowage/runtime';
import { inTime } from './in-time.ts';
import { LastingWork, type Work } from './lasting-work.ts';
import { LeftBundles } from './left-bundles.ts';
import { RootfsMounts } from './rootfs-mounts.ts';
import { RoutedTasks } from './routed-tasks.ts';
import type { Tasks } from './tasks.ts';

export interface RouterOptions {
  /** Where bundles are made: `<state>/<namespace>/<id>`. */
  readonly state: string;
  readonly containers: Scoped<ContainerStore>;
  /** Where checkpoints go and come from. Without it they are files only, where the options name a directory. */
  readonly content?: Scoped<ContentStore> | undefined;
  /** Asked in order who serves a runtime name. */
  readonly runtimes: readonly Runtime[];
  /** Those of them that serve a name whoever else would, by that name. */
  readonly chosen?: ReadonlyMap<string, Runtime> | undefined;
  /** Makes mounts that runtimes can't. */
  readonly mounts?: Scoped<MountManager> | undefined;
  readonly log?: Logger | undefined;
}

/**
 * Tasks of all namespaces, each passed on to the runtime that has it. Which one has it is asked anew each time:
 * a task may end and come back elsewhere without this being told.
 */
export class TaskRouter implements AsyncDisposable {
  readonly log: Logger;
  readonly rootfsMounts: RootfsMounts;
  readonly leftBundles = new LeftBundles((namespace, id) => this.#removeOrphan(namespace, id));
  readonly #options: RouterOptions;
  readonly #work: LastingWork;

  constructor(options: RouterOptions) {
    this.#options = options;
    this.log = options.log ?? silentLogger;
    this.rootfsMounts = new RootfsMounts(options.mounts, this.log);
    this.#work = new LastingWork(this.log);
  }

  readonly scope: Scoped<Tasks> = (scope) => {
    if (scope.namespace === '') throw new Fault('failed_precondition', 'namespace is required');
    validateIdentifier(scope.namespace, 'namespace');
    return new RoutedTasks(this, scope);
  };

  /** Fires when everything is to stop. */
  get stopping(): AbortSignal {
    return this.#work.stopping;
  }

  get runtimes(): readonly Runtime[] {
    return this.#options.runtimes;
  }

  bundleOf(namespace: string, id: string): string {
    return join(this.#options.state, namespace, id);
  }

  container(scope: Scope, id: string, options: CallOptions): Promise<Container> {
    return this.#options.containers(scope).get(id, options);
  }

  /** @throws Fault `failed_precondition` if there is none. */
  content(scope: Scope): ContentStore {
    const { content } = this.#options;
    if (content === undefined)
      throw new Fault('failed_precondition', 'checkpoint: there is no content store; name a directory');
    return content(scope);
  }

  /** @throws Fault `invalid_argument` if nobody serves the name. */
  runtimeNamed(name: string): Runtime {
    const runtime = this.#options.chosen?.get(name) ?? this.runtimes.find((r) => r.serves(name));
    if (runtime === undefined) {
      throw new Fault('invalid_argument', `no runtime here runs containers of runtime ${quote(name)}`);
    }
    return runtime;
  }

  /**
   * The runtime by which a task joins a sandbox. Undefined if the sandbox is a task here, as a pod's pause container is:
   * its members say by their specs what they share with it.
   *
   * @throws Fault `not_found` if it does not run; `unimplemented` if no runtime joins the address.
   */
  async hostOf(
    namespace: string,
    place: SandboxPlace,
    what: string,
    options: CallOptions = {},
  ): Promise<Runtime | undefined> {
    const host = this.runtimes.find((runtime) => runtime.joins?.(namespace, place));
    if (host !== undefined) return host;
    if (place.address !== '') {
      throw new Fault('unimplemented', `${what}: no runtime here joins a sandbox at ${quote(place.address)}`);
    }
    if ((await unlessGone(this.find(namespace, place.id, options))) !== undefined) return undefined;
    throw new Fault('not_found', `${what}: its sandbox ${quote(place.id)} is not running`);
  }

  /** Makes or removes a task; whoever else wants to make or remove it waits, even if the caller leaves. */
  change<T>(namespace: string, id: string, work: Work<T>, options: CallOptions = {}): Promise<T> {
    return this.#work.run(`${namespace}/${id}`, work, options.signal);
  }

  /**
   * Where a task lives, and its init's state.
   *
   * @throws Fault `not_found`; what a runtime says that can't tell, if no other one has the task;
   *   `deadline_exceeded` if it says nothing in time.
   */
  async find(namespace: string, id: string, options: CallOptions = {}): Promise<Found> {
    let unsure: unknown;
    for (const runtime of this.runtimes) {
      try {
        const service = runtime.tasks(namespace);
        const state = await inTime(`state of task ${id}`, options, (o) => service.state({ id }, o));
        return { service, state };
      } catch (e) {
        options.signal?.throwIfAborted();
        if (!Fault.is(e, 'not_found')) unsure ??= e;
      }
    }
    if (unsure !== undefined) throw unsure;
    throw new Fault(
      'not_found',
      `task ${quote(id)} not found: container has no running task in namespace ${namespace}`,
    );
  }

  /**
   * Removes what earlier daemons left of tasks that they died over making or removing: bundles, and mounts that runtimes
   * can't make. What a runtime has, or does not tell, stays. Call it at the start; never rejects.
   */
  async removeOrphans(): Promise<void> {
    const { state } = this.#options;
    for (const namespace of await directoriesIn(state)) {
      for (const id of await directoriesIn(join(state, namespace))) await this.#removeOrphan(namespace, id);
    }
  }

  async #removeOrphan(namespace: string, id: string): Promise<void> {
    try {
      await new RoutedTasks(this, { namespace }).removeOrphan(id);
    } catch (e) {
      if (this.stopping.aborted) return;
      this.log.warn({ namespace, id, reason: reasonOf(e) }, "a bundle stays that may be nobody's");
      this.leftBundles.later(namespace, id);
    }
  }

  /** Undoes or finishes what is under way. The runtimes must still be there. */
  [Symbol.asyncDispose](): Promise<void> {
    this.leftBundles[Symbol.dispose]();
    return this.#work[Symbol.asyncDispose]();
  }
}

async function directoriesIn(path: string): Promise<string[]> {
  const entries = await readdir(path, { withFileTypes: true }).catch(() => []);
  return entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
}

export interface Found {
  readonly service: TaskService;
  readonly state: ProcessState;
}
