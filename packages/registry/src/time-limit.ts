import { type CallOptions, Fault } from '@stowage/core';

/**
 * Ends what takes too long, against a server that sends a byte now and then, for ever.
 *
 * @param subject - what is done, for the message.
 * @throws Fault `unavailable` if it took more than `limitMs`; else what `work` throws.
 */
export async function limited<T>(
  subject: string,
  limitMs: number,
  { signal }: CallOptions,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const timeout = AbortSignal.timeout(limitMs);
  const either = signal === undefined ? timeout : AbortSignal.any([signal, timeout]);
  try {
    return await work(either);
  } catch (e) {
    if (!timeout.aborted || signal?.aborted) throw e;
    throw new Fault('unavailable', `${subject}: it took more than ${limitMs} ms`, { cause: e });
  }
}
