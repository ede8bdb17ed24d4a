import { parentPort } from 'node:worker_threads';
import { passGate, type StartGate } from './start-gate.ts';
import { errorToWire, type WireError } from './wire-error.ts';

/** What a worker can do: synchronous functions of cloneable arguments and results. */
export type Operations = { readonly [name: string]: (...args: never[]) => unknown };

/** How a call ended. */
export type Reply = { readonly id: number } & ({ readonly value: unknown } | { readonly error: WireError });

type Request = { readonly gate: StartGate['state'] } | Call;
interface Call {
  readonly id: number;
  readonly name: string;
  readonly args: never[];
}

/**
 * The worker's half: carries out calls one after another, in the order they were made. Imports little: a
 * worker's start waits for it.
 */
export function serveCalls(operations: Operations): void {
  const port = parentPort;
  port?.on('message', (request: Request) => {
    if ('gate' in request) passGate(request.gate);
    else port.postMessage(replyTo(request, operations));
  });
}

function replyTo({ id, name, args }: Call, operations: Operations): Reply {
  try {
    return { id, value: operations[name]?.(...args) };
  } catch (e) {
    return { id, error: errorToWire(e) };
  }
}
