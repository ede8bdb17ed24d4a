import { type CallOptions, Fault } from '@stowage/core';

/** How long a runtime may take to say how a task is (containerd's timeout `task.state`). */
const STATE_TIMEOUT_MS = 2000;

/** @throws Fault `deadline_exceeded` if the answer does not come in time. */
export async function inTime<T>(
  what: string,
  { signal }: CallOptions,
  ask: (options: CallOptions) => Promise<T>,
): Promise<T> {
  const patience = AbortSignal.timeout(STATE_TIMEOUT_MS);
  try {
    return await ask({ signal: signal ? AbortSignal.any([signal, patience]) : patience });
  } catch (e) {
    signal?.throwIfAborted();
    if (!patience.aborted) throw e;
    const reason = `its runtime did not answer within ${STATE_TIMEOUT_MS} ms`;
    throw new Fault('deadline_exceeded', `${what}: ${reason}`, { cause: e });
  }
}
