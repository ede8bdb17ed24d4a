import type { Worker } from 'node:worker_threads';
import { bindAll } from './libc.ts';

const STARTING = 0;
const PASSED = 1;
/** Loading takes some 50 ms. A worker that takes longer than this will not get there. */
const LONGEST_START_MS = 5000;

/**
 * Keeps a worker from being ended while it starts.
 *
 * koffi aborts the whole process if its thread is ended while it is being loaded or binds a function: the error it
 * wants to throw then cannot be. Functions that are bound may be called, and ended, at any time. So nothing ends a
 * worker of this package before it has bound all functions, not even the end of the process, which waits for it.
 */
export class StartGate {
  /** For the worker: {@link passGate}. */
  readonly state: Int32Array<SharedArrayBuffer> = new Int32Array(new SharedArrayBuffer(4));

  /** To be called at once after the worker was made. */
  guard(worker: Worker): void {
    const onExit = () => void Atomics.wait(this.state, 0, STARTING, LONGEST_START_MS);
    process.on('exit', onExit);
    worker.once('exit', () => passed(this.state));
    void this.passed().then(() => process.off('exit', onExit));
  }

  /** Resolves once the worker may be ended, or has ended by itself. */
  async passed(): Promise<void> {
    await Atomics.waitAsync(this.state, 0, STARTING, LONGEST_START_MS).value;
  }
}

/** The worker's half: binds all functions, then lets itself be ended. */
export function passGate(state: Int32Array<SharedArrayBuffer>): void {
  bindAll();
  passed(state);
}

function passed(state: Int32Array<SharedArrayBuffer>): void {
  Atomics.store(state, 0, PASSED);
  Atomics.notify(state, 0);
}
