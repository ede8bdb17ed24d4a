import { parentPort, type Worker } from 'node:worker_threads';
import { Fault } from '@stowage/core';
import { errorFromWire, errorToWire, type WireError } from './wire-error.ts';

/** What a worker can do: synchronous functions of cloneable arguments and results. */
export type Operations = { readonly [name: string]: (...args: never[]) => unknown };

type Reply = { readonly id: number } & ({ readonly value: unknown } | { readonly error: WireError });
interface Pending {
  resolve(value: unknown): void;
  reject(e: unknown): void;
}

/** The worker's half: carries out calls one after another, in the order they were made. */
export function serveCalls(operations: Operations): void {
  parentPort?.on('message', ({ id, name, args }: { id: number; name: string; args: never[] }) => {
    let reply: Reply;
    try {
      reply = { id, value: operations[name]?.(...args) };
    } catch (e) {
      reply = { id, error: errorToWire(e) };
    }
    parentPort?.postMessage(reply);
  });
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
  #lastId = 0;
  #closed = false;

  constructor(name: string, start: () => Worker) {
    this.#name = name;
    this.#start = start;
  }

  /**
   * Rejects with the operation's own error, or with {@link Fault} `unavailable` if the worker died: the operation may
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
    await worker?.terminate();
  }
}
