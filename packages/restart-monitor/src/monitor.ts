import { setTimeout as delay } from 'node:timers/promises';
import type { ContainerStore } from '@stowage/containers';
import {
  Fault,
  KeyedLock,
  type Logger,
  reasonOf,
  type Scoped,
  silentLogger,
  unlessGone,
} from '@stowage/core';
import type { Envelope, Events } from '@stowage/events';
import { eventJson } from '@stowage/events/json';
import type { NamespaceStore } from '@stowage/namespaces';
import type { SnapshotService } from '@stowage/snapshots';
import type { Tasks } from '@stowage/tasks';
import { Backoff } from './backoff.ts';
import { end, judge, type Keeping, startAgain, taskOf } from './keep.ts';
import { RESTART_LABEL } from './labels.ts';

export interface RestartMonitorOptions {
  readonly namespaces: Pick<NamespaceStore, 'list'>;
  readonly containers: Scoped<Pick<ContainerStore, 'get' | 'list' | 'update'>>;
  readonly tasks: Scoped<Tasks>;
  readonly snapshots: Pick<SnapshotService, 'snapshotter'>;
  readonly events: Pick<Events, 'subscribe'>;
  /** How often all containers are looked at, for what no exit tells of: 10,000. */
  readonly intervalMs?: number | undefined;
  readonly log?: Logger | undefined;
}

const INTERVAL_MS = 10_000;
const AGAIN_MS = 1000;
const UPDATED = '/containers/update';
const FILTERS = ['topic=="/tasks/exit"', `topic=="${UPDATED}"`];

/**
 * Starts containers again that ended, and ends those that ought not to run, as their labels say ({@link RESTART_LABEL}).
 * An exit, and a change of the labels, is answered at once, or after twice as long each time if exits come soon; all else at an
 * interval.
 *
 * @see containerd core/runtime/restart/monitor
 */
export class RestartMonitor implements AsyncDisposable {
  readonly #options: RestartMonitorOptions;
  readonly #log: Logger;
  readonly #locks = new KeyedLock();
  readonly #backoff = new Backoff();
  readonly #stop = new AbortController();
  readonly #running: Promise<unknown>;

  constructor(options: RestartMonitorOptions) {
    this.#options = options;
    this.#log = options.log ?? silentLogger;
    this.#running = Promise.all([this.#follow(), this.#sweepOften()]);
  }

  async #follow(): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      try {
        for await (const envelope of this.#options.events.subscribe(FILTERS, { signal }))
          this.#heard(envelope);
      } catch (e) {
        // It fell behind, perhaps; the next sweep sees what it missed.
        if (!signal.aborted) this.#log.warn({ reason: reasonOf(e) }, 'exits are not heard of for a moment');
      }
      await this.#pause(AGAIN_MS);
    }
  }

  #heard({ namespace, topic, event }: Envelope): void {
    const { containerId, id } = eventJson(event) as { containerId?: string; id?: string };
    // Only the exit of its init has the container's own id.
    const container = topic === UPDATED || id === containerId ? id : undefined;
    if (container !== undefined) void this.#look(namespace, container, false);
  }

  async #sweepOften(): Promise<void> {
    for (let isFirst = true; !this.#stop.signal.aborted; isFirst = false) {
      await this.#sweep(isFirst);
      await this.#pause(this.#options.intervalMs ?? INTERVAL_MS);
    }
  }

  /** @param isFirst - nobody can be at work on a container yet. */
  async #sweep(isFirst: boolean): Promise<void> {
    const { namespaces, containers } = this.#options;
    const { signal } = this.#stop;
    try {
      for await (const { name: namespace } of namespaces.list({ signal })) {
        const labelled = [`labels."${RESTART_LABEL.status}"`];
        const ids: string[] = [];
        for await (const { id } of containers({ namespace }).list(labelled, { signal })) ids.push(id);
        for (const id of ids) void this.#look(namespace, id, isFirst);
      }
    } catch (e) {
      if (!signal.aborted)
        this.#log.warn({ reason: reasonOf(e) }, 'containers to be kept running are not looked at');
    }
  }

  /** Does what is to be done about one container. Never rejects. One that is being looked at is not looked at twice. */
  async #look(namespace: string, id: string, isSettled: boolean): Promise<void> {
    const key = `${namespace}/${id}`;
    using lock = this.#locks.tryAcquire(key);
    if (lock === undefined) return;
    const { signal } = this.#stop;
    try {
      for (let done = false; !done; ) done = await this.#settle(namespace, id, key, isSettled);
    } catch (e) {
      if (!signal.aborted)
        this.#log.error({ namespace, id, reason: reasonOf(e) }, 'a container is not kept running');
    }
  }

  /** @returns false if it ended again meanwhile, which nobody was told of. */
  async #settle(namespace: string, id: string, key: string, isSettled: boolean): Promise<boolean> {
    const { signal } = this.#stop;
    const keeping = this.#keeping(namespace);
    const verdict = async () => {
      const container = await unlessGone(keeping.containers.get(id, { signal }));
      if (container === undefined) return { what: 'never' as const };
      const task = await taskOf(keeping, id, { signal });
      return { what: judge(container, task, { now: new Date(), isSettled }), container };
    };
    const first = await verdict();
    if (first.what === 'never') this.#backoff.forget(key);
    if (first.what === 'end') await end(keeping, id, { signal });
    if (first.what !== 'start') return true;
    const waitMs = this.#backoff.wait(key, performance.now());
    await delay(waitMs, undefined, { signal });
    const { what, container } = await verdict();
    if (what !== 'start' || container === undefined) return true;
    try {
      await startAgain(keeping, container, { signal });
      this.#log.info({ namespace, id }, 'a container was started again');
    } catch (e) {
      // Somebody else was faster.
      if (!Fault.is(e, 'already_exists')) throw e;
    } finally {
      this.#backoff.did(key, waitMs, performance.now());
    }
    return (await taskOf(keeping, id, { signal }))?.status !== 'stopped';
  }

  #keeping(namespace: string): Keeping {
    const { containers, tasks, snapshots } = this.#options;
    const scope = { namespace };
    return {
      containers: containers(scope),
      tasks: tasks(scope),
      mounts: (name, key, options) => snapshots.snapshotter(scope, name).mounts(key, options),
    };
  }

  async #pause(ms: number): Promise<void> {
    await delay(ms, undefined, { signal: this.#stop.signal, ref: false }).catch(() => undefined);
  }

  /** Leaves containers as they are. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort(new Fault('canceled', 'the restart monitor is stopping'));
    await this.#running;
  }
}
