import { abortable, Fault } from '@stowage/core';

/**
 * The first message of a client, for which it has a limited time: one that opens streams and says nothing holds what they
 * hold.
 *
 * @returns undefined if it ended without one.
 * @throws Fault `deadline_exceeded`
 */
export async function firstOf<T>(
  messages: AsyncIterator<T>,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<T | undefined> {
  const late = new AbortController();
  const reason = new Fault('deadline_exceeded', `stream: no first message in ${timeoutMs} ms`);
  const timer = setTimeout(() => late.abort(reason), timeoutMs);
  try {
    const next = await abortable(messages.next(), AbortSignal.any([signal, late.signal]));
    return next.done === true ? undefined : next.value;
  } finally {
    clearTimeout(timer);
  }
}
