import { parentPort, workerData } from 'node:worker_threads';
import { errnoOf, Fault, reasonOf } from '@stowage/core';
import { RingAborted } from './unpack/byte-ring.ts';
import type { ThreadData, UnpackJob, UnpackOutcome } from './unpack/jobs.ts';
import { unpack } from './unpack/unpack.ts';

// One job at a time, each from beginning to end within one turn of the event loop: between chroot and back nothing
// asynchronous runs on this thread, and nothing is imported later than here.
const { memory, host } = workerData as ThreadData;

parentPort?.on('message', (job: UnpackJob) => {
  parentPort?.postMessage(outcomeOf(job));
});

function outcomeOf(job: UnpackJob): UnpackOutcome {
  try {
    const result = unpack(job, memory, host);
    if (!('error' in result)) return { status: 'done', ...result };
    const { error } = result;
    if (error instanceof RingAborted) return { status: 'aborted' };
    return { status: 'failed', kind: Fault.is(error) ? error.kind : undefined, message: reasonOf(error) };
  } catch (e) {
    return { status: 'broken', code: errnoOf(e), message: reasonOf(e) };
  }
}
