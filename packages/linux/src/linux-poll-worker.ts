import { parentPort, workerData } from 'node:worker_threads';
import { epollWait } from './epoll.ts';

/** Given by {@link Poller}. */
export interface PollWorkerData {
  /** Reports token 0 when the worker should end. */
  readonly epfd: number;
  /** How many events to take at once. */
  readonly batch: number;
}

const { epfd, batch } = workerData as PollWorkerData;

// A thread in epoll_wait cannot be terminated, so a process that ends without a word to its poller would wait for it:
// this bounds that wait.
const LONGEST_WAIT_MS = 5000;

for (let running = true; running; ) {
  const events = epollWait(epfd, batch, LONGEST_WAIT_MS);
  if (events.length === 0) continue;
  running = !events.some(({ token }) => token === 0n);
  parentPort?.postMessage(events.map(({ token, events: what }) => [Number(token), what]));
}
