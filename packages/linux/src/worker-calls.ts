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
  #worker: Worker | undefined;
  #lastId = 0;
  #closed = false;

  constructor(name: string, start: () => Worker) {
    this.#name = name;
    this.#start = start;
  }

  /** Rejects with the operation's own error, or with `unavailable` if the worker died, having perhaps done its work. */
  call<K extends keyof Ops & string>(name: K, ...args: Parameters<Ops[K]>): Promise<ReturnType<Ops[K]>> {
    if (this.#closed) return Promise.reject(new Fault('unavailable', `${this.#name} ${name}: closed`));
    const worker = this.#running();
    const id = ++this.#lastId;
    const { promise, resolve, reject } = Promise.withResolvers<ReturnType<Ops[K]>>();
    this.#pending.set(id, { resolve: (value) => resolve(value as ReturnType<Ops[K]>), reject });
    worker.ref();
    worker.postMessage({ id, name, args });
    return promise;
  }

  #running(): Worker {
    if (this.#worker !== undefined) return this.#worker;
    const worker = this.#start();
    this.#worker = worker;
    let cause: unknown;
    worker.on('message', (reply: Reply) => this.#settle(worker, reply));
    worker.on('error', (e) => {
      cause = e;
    });
    worker.on('exit', (code) => {
      if (this.#worker !== worker) return;
      this.#worker = undefined;
      const lost = new Fault('unavailable', `${this.#name}: worker ended with code ${code}`, { cause });
      for (const { reject } of this.#pending.values()) reject(lost);
      this.#pending.clear();
    });
    return worker;
  }

  #settle(worker: Worker, reply: Reply): void {
    const pending = this.#pending.get(reply.id);
    this.#pending.delete(reply.id);
    if (this.#pending.size === 0) worker.unref();
    if ('error' in reply) pending?.reject(errorFromWire(reply.error));
    else pending?.resolve(reply.value);
  }

  /** Lets the calls under way end, then ends the worker. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    while (this.#pending.size > 0) {
      const waits = [...this.#pending.values()].map((pending) => {
        const { promise, resolve } = Promise.withResolvers<void>();
        const { resolve: inner, reject } = pending;
        pending.resolve = (value) => {
          inner.call(pending, value);
          resolve();
        };
        pending.reject = (e) => {
          reject.call(pending, e);
          resolve();
        };
        return promise;
      });
      await Promise.all(waits);
    }
    const worker = this.#worker;
    this.#worker = undefined;
    await worker?.terminate();
  }
}
