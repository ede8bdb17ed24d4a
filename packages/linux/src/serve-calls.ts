import { parentPort } from 'node:worker_threads';
import { errorToWire, type WireError } from './wire-error.ts';

/** What a worker can do: synchronous functions of cloneable arguments and results. */
export type Operations = { readonly [name: string]: (...args: never[]) => unknown };

/** How a call ended. */
export type Reply = { readonly id: number } & ({ readonly value: unknown } | { readonly error: WireError });

/**
 * The worker's half: carries out calls one after another, in the order they were made. Imports little: a
 * worker's start waits for it.
 */
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
