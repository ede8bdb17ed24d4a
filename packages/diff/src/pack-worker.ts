import { parentPort, workerData } from 'node:worker_threads';
import { type PackJob, type PackMessage, WORD } from './pack/jobs.ts';
import { PackAborted, pack } from './pack/pack.ts';

// One job from beginning to end within one turn of the event loop, on mounts of this thread's own: nothing asynchronous
// runs here, and nothing is imported later.
const job = workerData as PackJob;
const control = new Int32Array(job.control);

function check(): void {
  if (Atomics.load(control, WORD.aborted) === 1) throw new PackAborted('the diff was given up');
}

/** Waits until the other side has room for one more. */
function send(piece: Uint8Array<ArrayBuffer>): void {
  for (;;) {
    check();
    if (Atomics.load(control, WORD.credits) > 0) break;
    Atomics.wait(control, WORD.credits, 0);
  }
  Atomics.sub(control, WORD.credits, 1);
  post({ piece }, [piece.buffer]);
}

function post(message: PackMessage, transfer: ArrayBuffer[] = []): void {
  parentPort?.postMessage(message, transfer);
}

post({ outcome: pack(job, send, check) });
