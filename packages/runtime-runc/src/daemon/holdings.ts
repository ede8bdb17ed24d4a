import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from '@stowage/core';
import { close } from '@stowage/linux';
import { connectUnix } from '@stowage/linux/sockets';
import type { ProcessId } from '@stowage/runtime';
import type { HandleName, Handles, HandoverMessage, ProcessRef } from '../handover-message.ts';
import { receiveHandovers, sendHandover } from '../handover-socket.ts';
import type { ProcessTable } from './process-table.ts';

/** While descriptors keep coming, more are looked for. */
const MORE_MS = 250;
/** How long a supervisor whose socket is full, and that takes nothing, is left alone. */
const FULL_MS = 10;

interface Held {
  readonly message: HandoverMessage;
  readonly handles: Map<HandleName, number>;
}

/**
 * Descriptors that keep terminals and standard inputs alive should a supervisor die: they come from it, and go to
 * the next one. Nobody reads or writes here.
 *
 * Nothing here waits: a supervisor sends them before it tells of a process, so they are in the socket when the event
 * comes. They are let go when the process ends.
 */
export class Holdings implements Disposable {
  readonly #log: Logger;
  /** By namespace and container, then by exec id (empty for the init). */
  readonly #held = new Map<string, Map<string, Held>>();
  #socket: number | undefined;
  #timer: NodeJS.Timeout | undefined;
  #disposed = false;

  constructor(log: Logger) {
    this.#log = log;
  }

  /** How many descriptors are held. */
  get size(): number {
    let size = 0;
    for (const { handles } of this.#all()) size += handles.size;
    return size;
  }

  /**
   * Connects to a supervisor, sends it what is held here, and takes from now on what it sends. It has taken all by the
   * time that it answers the next call. One that has a thing already lets go of the second.
   *
   * @param settle - makes a call, so that there is room in the socket.
   * @param more - what is held for another supervisor, whose processes this one has by now.
   */
  async handOver(path: string, settle: () => Promise<void>, more?: Holdings): Promise<void> {
    // What an earlier one sent last.
    this.receive();
    this.#disconnect();
    if (more !== undefined) this.#takeAll(more);
    try {
      const socket = connectUnix(path, { type: 'seqpacket' });
      this.#socket = socket;
      for (const { message, handles } of [...this.#all()]) {
        // Closed meanwhile, the number may be another's.
        while (this.#socket === socket && !sendHandover(socket, message, Object.fromEntries(handles))) {
          await settle();
          await delay(FULL_MS);
        }
      }
    } catch (err) {
      // One of an older build has no such socket: its terminals live and die with it.
      this.#log.warn({ err, path }, 'descriptors cannot be handed over to the supervisor, nor taken from it');
      this.#disconnect();
    }
  }

  /** Takes what has come. */
  receive(): void {
    if (this.#socket === undefined || this.#disposed) return;
    try {
      const { count, open } = receiveHandovers(this.#socket, (message, handles) =>
        this.#take(message, handles),
      );
      if (!open) this.#disconnect();
      else if (count > 0) this.#timer ??= setTimeout(() => this.#more(), MORE_MS).unref();
    } catch (err) {
      this.#log.warn({ err }, 'taking descriptors from the supervisor failed');
      this.#disconnect();
    }
  }

  #more(): void {
    this.#timer = undefined;
    this.receive();
  }

  #take(message: HandoverMessage, handles: Handles): void {
    const { namespace, id, execId } = message.process;
    this.#letGo(message.process);
    const named = new Map(Object.entries(handles) as [HandleName, number][]);
    if (named.size === 0) return;
    const key = `${namespace}/${id}`;
    const task = this.#held.get(key) ?? new Map<string, Held>();
    this.#held.set(key, task.set(execId, { message, handles: named }));
  }

  #takeAll(other: Holdings): void {
    other.receive();
    other.#disconnect();
    for (const { message, handles } of [...other.#all()]) this.#take(message, Object.fromEntries(handles));
    other.#held.clear();
  }

  /** Lets go of what a change made needless. */
  follow(namespace: string, { id }: { readonly id: string }, table: ProcessTable): void {
    this.receive();
    for (const execId of [...(this.#held.get(`${namespace}/${id}`)?.keys() ?? [])]) {
      this.#check({ namespace, id, execId }, table);
    }
  }

  /** Lets go of what no process needs any more. */
  prune(table: ProcessTable): void {
    for (const { message } of [...this.#all()]) this.#check(message.process, table);
  }

  #check(ref: ProcessRef, table: ProcessTable): void {
    const state = table.get(ref.namespace, ref);
    if (state === undefined || state.status === 'stopped') this.#letGo(ref);
  }

  /** Standard input of a process shall end, so nothing may hold it open. */
  endInput(namespace: string, { id, execId = '' }: ProcessId): void {
    this.receive();
    const held = this.#held.get(`${namespace}/${id}`)?.get(execId);
    for (const name of ['stdin', 'input'] as const) {
      const fd = held?.handles.get(name);
      if (fd === undefined) continue;
      close(fd);
      held?.handles.delete(name);
    }
  }

  #letGo({ namespace, id, execId }: ProcessRef): void {
    const task = this.#held.get(`${namespace}/${id}`);
    for (const fd of task?.get(execId)?.handles.values() ?? []) close(fd);
    task?.delete(execId);
    if (task?.size === 0) this.#held.delete(`${namespace}/${id}`);
  }

  *#all(): Generator<Held> {
    for (const task of this.#held.values()) yield* task.values();
  }

  #disconnect(): void {
    if (this.#socket !== undefined) close(this.#socket);
    this.#socket = undefined;
  }

  [Symbol.dispose](): void {
    this.#disposed = true;
    clearTimeout(this.#timer);
    this.#disconnect();
    for (const { message } of [...this.#all()]) this.#letGo(message.process);
  }
}
