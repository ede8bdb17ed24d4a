import {
  abortable,
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
import type {
  SandboxController,
  SandboxControllers,
  SandboxExit,
  Sandboxer,
  SandboxRef,
} from './sandbox-controller.ts';
import { type Publisher, SandboxEvents } from './sandbox-events.ts';
import type { SandboxStore } from './sandbox-store.ts';

export interface RoutedControllersOptions {
  /** By the names that requests have as `sandboxer`. */
  readonly sandboxers: ReadonlyMap<string, Sandboxer>;
  /** Where records are looked up that a request comes without, as those of containerd 1.7's clients. */
  readonly store: Scoped<Pick<SandboxStore, 'get'>>;
  readonly events: Publisher;
  readonly log?: Logger | undefined;
}

/** Whether the end of a sandbox was told. */
interface Life {
  told: Promise<void> | undefined;
}

/**
 * The controllers of a daemon, by name. Tells everybody what its callers bring about, and the end of a sandbox once,
 * however many wait for it. That of a controller in this process is told without anybody who waits, also if it came while
 * no daemon ran.
 */
export class RoutedControllers implements SandboxControllers, Disposable {
  readonly #sandboxers: ReadonlyMap<string, Sandboxer>;
  readonly #store: RoutedControllersOptions['store'];
  readonly #events: SandboxEvents;
  readonly #log: Logger;
  readonly #stop = new AbortController();
  readonly #lives = new Map<string, Life>();

  private constructor({ sandboxers, store, events, log = silentLogger }: RoutedControllersOptions) {
    this.#sandboxers = sandboxers;
    this.#store = store;
    this.#events = new SandboxEvents(events, log);
    this.#log = log;
  }

  static async open(options: RoutedControllersOptions): Promise<RoutedControllers> {
    const routed = new RoutedControllers(options);
    for (const [name, sandboxer] of options.sandboxers) {
      for await (const sandbox of sandboxer.unfinished?.() ?? []) routed.#watch(name, sandboxer, sandbox);
    }
    return routed;
  }

  controller(scope: Scope, sandboxer: string): SandboxController {
    const { namespace } = scope;
    if (sandboxer === '') throw new Fault('invalid_argument', 'the name of the sandboxer is required');
    if (namespace === '') throw new Fault('failed_precondition', 'namespace is required');
    validateIdentifier(namespace, 'namespace');
    const found = this.#sandboxers.get(sandboxer);
    if (found === undefined) {
      const known = [...this.#sandboxers.keys()].map((name) => quote(name)).join(', ') || 'none';
      throw new Fault(
        'not_found',
        `sandboxer ${quote(sandboxer)}: there is none of this name; there are ${known}`,
      );
    }
    return this.#telling(sandboxer, found, scope);
  }

  #telling(name: string, sandboxer: Sandboxer, scope: Scope): SandboxController {
    const { namespace } = scope;
    const local = sandboxer.controller(scope);
    const key = (id: string) => `${name}/${namespace}/${id}`;
    const start = async (id: string, options: CallOptions) => {
      try {
        const instance = await local.start(id, options);
        await this.#events.started({ namespace, id });
        if (sandboxer.unfinished !== undefined) this.#watch(name, sandboxer, { namespace, id });
        return instance;
      } catch (e) {
        // It was shut down, or was never there; one that had been started before goes on.
        if (Fault.is(e) && e.kind !== 'failed_precondition') this.#lives.delete(key(id));
        throw e;
      }
    };
    return {
      create: async (request, options) => {
        const { id } = request;
        const sandbox = request.sandbox ?? (await unlessGone(this.#store(scope).get(id, options)));
        await local.create({ ...request, sandbox }, options);
        this.#lives.set(key(id), { told: undefined });
        await this.#events.created({ namespace, id });
      },
      // One whose caller has left is started all the same, and its end is to be told.
      start: async (id, options = {}) =>
        sandboxer.unfinished === undefined ? start(id, options) : abortable(start(id, {}), options.signal),
      wait: async (id, options) => {
        // The life it is now: by the end there may be another sandbox of this id.
        const before = this.#lives.get(key(id));
        const exit = await local.wait(id, options);
        // One that is unknown here is of an earlier process; its end was told, unless it was listed as unfinished.
        if (before === undefined && sandboxer.unfinished !== undefined) return exit;
        const life = before ?? this.#lives.get(key(id)) ?? { told: undefined };
        if (before === undefined) this.#lives.set(key(id), life);
        await this.#tell(life, { namespace, id }, exit);
        return exit;
      },
      shutdown: async (id, options) => {
        await local.shutdown(id, options);
        this.#lives.delete(key(id));
      },
      platform: (id, options) => local.platform(id, options),
      stop: (id, options) => local.stop(id, options),
      status: (id, options) => local.status(id, options),
      metrics: (id, options) => local.metrics(id, options),
      update: (sandbox, paths, options) => local.update(sandbox, paths, options),
    };
  }

  #watch(name: string, sandboxer: Sandboxer, sandbox: SandboxRef): void {
    const { namespace, id } = sandbox;
    const key = `${name}/${namespace}/${id}`;
    const life = this.#lives.get(key) ?? { told: undefined };
    this.#lives.set(key, life);
    sandboxer
      .controller({ namespace })
      .wait(id, { signal: this.#stop.signal })
      .then((exit) => this.#tell(life, sandbox, exit))
      .catch((e: unknown) => {
        if (this.#stop.signal.aborted) return;
        this.#log.warn(
          { namespace, id, sandboxer: name, reason: reasonOf(e) },
          'the end of a sandbox is not heard of',
        );
      });
  }

  #tell(life: Life, sandbox: SandboxRef, exit: SandboxExit): Promise<void> {
    life.told ??= this.#events.exited(sandbox, exit);
    return life.told;
  }

  /** Sandboxes go on. */
  [Symbol.dispose](): void {
    this.#stop.abort();
  }
}
