import { type CallOptions, Fault } from '@stowage/core';

/** @throws Fault `deadline_exceeded` if the answer does not come in time. */
export async function inTime<T>(
  what: string,
  limitMs: number,
  { signal }: CallOptions,
  ask: (options: CallOptions) => Promise<T>,
): Promise<T> {
  const patience = AbortSignal.timeout(limitMs);
  try {
    return await ask({ signal: signal ? AbortSignal.any([signal, patience]) : patience });
  } catch (e) {
    signal?.throwIfAborted();
    if (!patience.aborted) throw e;
    throw new Fault('deadline_exceeded', `${what}: the shim did not answer within ${limitMs} ms`, {
      cause: e,
    });
  }
}
