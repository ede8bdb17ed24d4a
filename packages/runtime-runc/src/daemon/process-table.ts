import { type CallOptions, Fault } from '@stowage/core';
import type { Exit, ProcessId, ProcessState, TaskRef } from '@stowage/runtime';
import type { TableSource } from './table-source.ts';
import { changeOf, type TaskChange, type TaskEnvelope } from './task-change.ts';

interface Waiter {
  resolve(exit: Exit): void;
  reject(reason: unknown): void;
}

interface Entry {
  /** Who has the task. */
  readonly source: TableSource;
  /** By exec id (empty for the init). */
  readonly processes: Map<string, ProcessState>;
}

export interface Applied {
  /** What the event changes in the table; undefined if that was known, or is no concern of it. */
  readonly change: TaskChange | undefined;
  /** The exit was told before: by a supervisor that died before it had written that down. */
  readonly again: boolean;
}

/**
 * What this daemon knows of all processes: the lists of the supervisors, kept current by their events. Here callers
 * wait for exits, so that however many there are cost no supervisor anything, and survive it.
 */
export class ProcessTable {
  /** By namespace and id. */
  readonly #tasks = new Map<string, Entry>();
  /** By task, and then by exec id, the pids of processes whose exits were told. */
  readonly #told = new Map<string, Map<string, number>>();
  readonly #waiters = new Map<string, Set<Waiter>>();

  /**
   * Starts over with what one supervisor has, from its list that includes all events up to a number. Tasks that are in
   * the list are that one's, whosesoever they were.
   *
   * @returns false if the list is older than what was told since; nothing is changed then.
   */
  reset(
    source: TableSource,
    seq: number,
    processes: Iterable<{ readonly namespace: string; readonly state: ProcessState }>,
  ): boolean {
    if (seq < source.seq) return false;
    const had = this.#forget(source);
    for (const { namespace, state } of processes) {
      const key = taskKey(namespace, state.id);
      let entry = this.#tasks.get(key);
      if (entry?.source !== source) {
        entry = { source, processes: new Map() };
        this.#tasks.set(key, entry);
      }
      entry.processes.set(state.execId, state);
    }
    for (const key of had) if (!this.#tasks.has(key)) this.#told.delete(key);
    this.#settleAll();
    source.advance(seq);
    return true;
  }

  apply(source: TableSource, seq: number, envelope: TaskEnvelope): Applied {
    const { namespace } = envelope;
    const change = changeOf(envelope, (id) => this.get(namespace, { id })?.pid);
    const again = change !== undefined && this.#isToldAgain(namespace, change);
    // One that is not newer is in the list, which was asked for later than this happened.
    const isNew = change !== undefined && seq > source.seq && this.#change(source, namespace, change);
    source.advance(Math.max(seq, source.seq));
    return { change: isNew ? change : undefined, again };
  }

  #change(source: TableSource, namespace: string, change: TaskChange): boolean {
    const key = taskKey(namespace, change.id);
    let entry = this.#tasks.get(key);
    if (entry?.source !== source) {
      // Of a task that another has by now, or had before.
      if (change.kind !== 'added' || change.execId !== '') return false;
      entry = { source, processes: new Map() };
      this.#tasks.set(key, entry);
    }
    if (change.kind === 'gone') {
      this.#tasks.delete(key);
      this.#settleAll();
      return true;
    }
    const known = entry.processes.get(change.execId);
    if (change.kind === 'changed' && known === undefined) return true;
    entry.processes.set(change.execId, { ...(known ?? change.blank), ...change.state });
    this.#settleOne(namespace, change);
    return true;
  }

  #isToldAgain(namespace: string, change: TaskChange): boolean {
    const key = taskKey(namespace, change.id);
    const told = this.#told.get(key) ?? new Map<string, number>();
    if (change.kind === 'gone') this.#told.delete(key);
    else if (change.kind === 'added') told.delete(change.execId);
    if (change.kind !== 'changed' || change.state.status !== 'stopped') return false;
    const { pid = 0 } = change.state;
    const again = told.get(change.execId) === pid;
    this.#told.set(key, told.set(change.execId, pid));
    return again;
  }

  /** Name of the supervisor that has a task. */
  ownerOf(namespace: string, id: string): string | undefined {
    return this.#tasks.get(taskKey(namespace, id))?.source.name;
  }

  /** Whether a supervisor has tasks. */
  hasTasksOf(source: TableSource): boolean {
    for (const entry of this.#tasks.values()) if (entry.source === source) return true;
    return false;
  }

  /** Forgets the tasks of a supervisor that is no more. */
  drop(source: TableSource): void {
    for (const key of this.#forget(source)) this.#told.delete(key);
    this.#settleAll();
    source.restart();
  }

  #forget(source: TableSource): string[] {
    const had = [...this.#tasks].filter(([, entry]) => entry.source === source).map(([key]) => key);
    for (const key of had) this.#tasks.delete(key);
    return had;
  }

  get(namespace: string, { id, execId = '' }: ProcessId): ProcessState | undefined {
    return this.#tasks.get(taskKey(namespace, id))?.processes.get(execId);
  }

  remove(namespace: string, { id, execId = '' }: ProcessId): void {
    const key = taskKey(namespace, id);
    this.#tasks.get(key)?.processes.delete(execId);
    this.#told.get(key)?.delete(execId);
    this.#settleOne(namespace, { id, execId });
  }

  *list(): Generator<TaskRef> {
    for (const key of this.#tasks.keys()) {
      const [namespace = '', id = ''] = key.split('/');
      yield { namespace, id };
    }
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
}

// Namespaces and ids are identifiers, so they hold no slash.
const taskKey = (namespace: string, id: string): string => `${namespace}/${id}`;
const processKey = (namespace: string, { id, execId = '' }: ProcessId): string =>
  `${namespace}/${id}/${execId}`;
