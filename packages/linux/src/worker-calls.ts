import type { Worker } from 'node:worker_threads';
import { Fault, type FaultKind } from '@stowage/core';
import type { Operations, Reply } from './serve-calls.ts';
import { StartGate } from './start-gate.ts';
import type { WireError } from './wire-error.ts';

interface Pending {
  resolve(value: unknown): void;
  reject(e: unknown): void;
}

/**
 * Calls into one worker, started at the first call and again after it died. It keeps the process alive only while a
 * call is under way.
 */
export class WorkerCalls<Ops extends Operations> implements AsyncDisposable {
  readonly #name: string;
  readonly #start: () => Worker;
  readonly #pending = new Map<number, Pending>();
  readonly #idle = new Set<() => void>();
  #worker: Worker | undefined;
  #gate: StartGate | undefined;
  #lastId = 0;
  #closed = false;

  constructor(name: string, start: () => Worker) {
    this.#name = name;
    this.#start = start;
  }

  /**
   * Rejects with the operation's own error, or with Fault `unavailable` if the worker died: the operation may
   * or may not have been carried out then.
   */
  call<K extends keyof Ops & string>(name: K, ...args: Parameters<Ops[K]>): Promise<ReturnType<Ops[K]>> {
    const { promise, resolve, reject } = Promise.withResolvers<ReturnType<Ops[K]>>();
    if (this.#closed) {
      reject(new Fault('unavailable', `${this.#name} ${name}: closed`));
      return promise;
    }
    this.#worker ??= this.#started();
    const id = ++this.#lastId;
    try {
      this.#worker.postMessage({ id, name, args });
      this.#pending.set(id, { resolve: (value) => resolve(value as ReturnType<Ops[K]>), reject });
      this.#worker.ref();
    } catch (e) {
      reject(e);
    }
    return promise;
  }

  #started(): Worker {
    const worker = this.#start();
    const gate = new StartGate();
    this.#gate = gate;
    gate.guard(worker);
    worker.postMessage({ gate: gate.state });
    let cause: unknown;
    worker.on('message', (reply: Reply) => this.#settle(worker, reply));
    worker.on('error', (e) => {
      cause = e;
    });
    worker.on('exit', (code) => {
      if (this.#worker === worker) this.#lost(code, cause);
    });
    return worker;
  }

  #settle(worker: Worker, reply: Reply): void {
    const pending = this.#pending.get(reply.id);
    this.#pending.delete(reply.id);
    if ('error' in reply) pending?.reject(errorFromWire(reply.error));
    else pending?.resolve(reply.value);
    if (this.#pending.size > 0) return;
    worker.unref();
    for (const wake of this.#idle) wake();
  }

  #lost(code: number, cause: unknown): void {
    this.#worker = undefined;
    const lost = new Fault('unavailable', `${this.#name}: worker ended with code ${code}`, { cause });
    for (const { reject } of this.#pending.values()) reject(lost);
    this.#pending.clear();
    for (const wake of this.#idle) wake();
  }

  /** Lets the calls under way end, then ends the worker. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    if (this.#pending.size > 0) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#idle.add(resolve);
      await promise;
    }
    const worker = this.#worker;
    this.#worker = undefined;
    if (worker === undefined) return;
    worker.ref();
    await this.#gate?.passed();
    await worker.terminate();
  }
}

function errorFromWire({ name, message, stack, code, errno, syscall, kind }: WireError): Error {
  if (name === 'Fault' && kind !== undefined) return new Fault(kind as FaultKind, message);
  const error = new Error(message);
  if (stack !== undefined) error.stack = stack;
  return Object.assign(
    error,
    code === undefined ? {} : { code },
    errno === undefined ? {} : { errno, syscall },
  );
}
