import { setTimeout as sleep } from 'node:timers/promises';

/** Waits about so long, spread by half so that those who wait for the same thing do not all come back at once. */
export async function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  try {
    await sleep(ms * (0.5 + Math.random()), undefined, { signal });
  } catch (e) {
    // Node's own AbortError would hide why.
    signal?.throwIfAborted();
    throw e;
  }
}
