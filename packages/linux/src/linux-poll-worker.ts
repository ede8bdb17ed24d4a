import { parentPort, workerData } from 'node:worker_threads';
import { epollWait } from './epoll.ts';
import { passGate, type StartGate } from './start-gate.ts';

/** Given by {@link Poller}. */
export interface PollWorkerData {
  /** Reports token 0 when the worker should end. */
  readonly epfd: number;
  readonly gate: StartGate['state'];
  /** How many events to take at once. */
  readonly batch: number;
}

const { epfd, gate, batch } = workerData as PollWorkerData;
passGate(gate);

// A thread in epoll_wait cannot be terminated, so a process that ends without a word to its poller would wait for it:
// this bounds that wait.
const LONGEST_WAIT_MS = 5000;

for (let running = true; running; ) {
  const events = epollWait(epfd, batch, LONGEST_WAIT_MS);
  if (events.length === 0) continue;
  running = !events.some(({ token }) => token === 0n);
  parentPort?.postMessage(events.map(({ token, events: what }) => [Number(token), what]));
}
