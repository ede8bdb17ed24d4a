import { type CallOptions, Fault } from '@stowage/core';
import type { Exit, ProcessId, ProcessState, TaskRef } from '@stowage/runtime';
import { changeOf, type TaskChange, type TaskEnvelope } from './task-change.ts';

interface Waiter {
  resolve(exit: Exit): void;
  reject(reason: unknown): void;
}

/**
 * What this daemon knows of all processes: the supervisor's list, kept current by its events. Here callers wait for
 * exits, so that however many there are cost the supervisor nothing, and survive it.
 */
export class ProcessTable {
  /** By task, then by exec id (empty for the init). */
  readonly #tasks = new Map<string, Map<string, ProcessState>>();
  readonly #waiters = new Map<string, Set<Waiter>>();
  readonly #later = new Set<{ readonly seq: number; resolve(): void }>();
  #seq = 0;

  get size(): number {
    return this.#tasks.size;
  }

  /** Starts over from a list that includes all events up to a number. */
  reset(
    seq: number,
    processes: Iterable<{ readonly namespace: string; readonly state: ProcessState }>,
  ): void {
    this.#tasks.clear();
    for (const { namespace, state } of processes) this.#put(namespace, state);
    for (const [key, waiters] of this.#waiters) this.#settle(key, waiters);
    this.#reach(seq);
  }

  /** @returns what it changes; undefined if that was known, or is no concern of this table. */
  apply(seq: number, envelope: TaskEnvelope): TaskChange | undefined {
    // Of a list that was asked for later than this happened.
    if (seq <= this.#seq) return undefined;
    const { namespace } = envelope;
    const change = changeOf(envelope, (id) => this.get(namespace, { id })?.pid);
    const task = change && this.#tasks.get(taskKey(namespace, change.id));
    if (change === undefined) {
      // Nothing that is listed here.
    } else if (change.kind === 'gone') {
      this.#tasks.delete(taskKey(namespace, change.id));
      this.#settleAll();
    } else {
      const known = task?.get(change.execId);
      if (change.kind === 'added' || known !== undefined) {
        this.#put(namespace, { ...(known ?? change.blank), ...change.state });
        this.#settleOne(namespace, change);
      }
    }
    this.#reach(seq);
    return change;
  }

  get(namespace: string, { id, execId = '' }: ProcessId): ProcessState | undefined {
    return this.#tasks.get(taskKey(namespace, id))?.get(execId);
  }

  remove(namespace: string, { id, execId = '' }: ProcessId): void {
    this.#tasks.get(taskKey(namespace, id))?.delete(execId);
    this.#settleOne(namespace, { id, execId });
  }

  *list(): Generator<TaskRef> {
    for (const key of this.#tasks.keys()) {
      const [namespace = '', id = ''] = key.split('/');
      yield { namespace, id };
    }
  }

  /** Settles when all up to an event is known here. */
  async reached(seq: number): Promise<void> {
    if (seq <= this.#seq) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const entry = { seq, resolve };
    this.#later.add(entry);
    await promise;
  }

  /** @throws Fault `not_found` if there is no such process, or it is deleted while it has not ended. */
  async wait(namespace: string, process: ProcessId, { signal }: CallOptions): Promise<Exit> {
    signal?.throwIfAborted();
    const key = processKey(namespace, process);
    const { promise, resolve, reject } = Promise.withResolvers<Exit>();
    const waiter: Waiter = { resolve, reject };
    const waiters = this.#waiters.get(key) ?? new Set();
    this.#waiters.set(key, waiters.add(waiter));
    this.#settle(key, waiters);
    const onAbort = () => reject(signal?.reason);
    signal?.addEventListener('abort', onAbort, { once: true });
    try {
      return await promise;
    } finally {
      signal?.removeEventListener('abort', onAbort);
      waiters.delete(waiter);
      if (waiters.size === 0 && this.#waiters.get(key) === waiters) this.#waiters.delete(key);
    }
  }

  /** Nothing more will be known. */
  close(reason: unknown): void {
    for (const waiter of [...this.#waiters.values()].flatMap((set) => [...set])) waiter.reject(reason);
    this.#reach(Number.POSITIVE_INFINITY);
  }

  #put(namespace: string, state: ProcessState): void {
    const key = taskKey(namespace, state.id);
    const task = this.#tasks.get(key) ?? new Map<string, ProcessState>();
    this.#tasks.set(key, task.set(state.execId, state));
  }

  #settleAll(): void {
    for (const [key, waiters] of this.#waiters) this.#settle(key, waiters);
  }

  #settleOne(namespace: string, process: ProcessId): void {
    const key = processKey(namespace, process);
    const waiters = this.#waiters.get(key);
    if (waiters !== undefined) this.#settle(key, waiters);
  }

  #settle(key: string, waiters: ReadonlySet<Waiter>): void {
    const [namespace = '', id = '', execId = ''] = key.split('/');
    const state = this.get(namespace, { id, execId });
    if (state === undefined) {
      const what = execId === '' ? `task ${id}` : `exec ${execId} in ${id}`;
      const reason = new Fault('not_found', `wait for ${what}: there is none in namespace ${namespace}`);
      for (const { reject } of waiters) reject(reason);
    } else if (state.status === 'stopped') {
      const exit = { exitStatus: state.exitStatus, exitedAt: state.exitedAt ?? new Date(0) };
      for (const { resolve } of waiters) resolve(exit);
    }
  }

  #reach(seq: number): void {
    this.#seq = seq;
    for (const entry of this.#later) {
      if (entry.seq > seq) continue;
      this.#later.delete(entry);
      entry.resolve();
    }
  }
}

// Namespaces and ids are identifiers, so they hold no slash.
const taskKey = (namespace: string, id: string): string => `${namespace}/${id}`;
const processKey = (namespace: string, { id, execId = '' }: ProcessId): string =>
  `${namespace}/${id}/${execId}`;
