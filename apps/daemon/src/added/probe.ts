import { type CallOptions, Fault, reasonOf } from '@stowage/core';
import { unixTransport } from '@stowage/rpc/transport';
import { proxiedSnapshotter } from '../proxied-snapshotter.ts';

export interface ProbeOptions extends CallOptions {
  readonly timeoutMs: number;
}

/** No snapshot has a name of this form. */
const NOTHING = 'name=="stowage:probe"';

/**
 * Finds out whether a snapshotter answers at a socket, by a call that every garbage collection makes too: a list, in the
 * name of no namespace.
 *
 * @throws Fault `unavailable` or `permission_denied` if nobody answers; `failed_precondition` if it is no snapshotter, or
 *   none of this name. The message says what, and names the socket.
 */
export async function probeSnapshotter(
  name: string,
  address: string,
  { signal, timeoutMs }: ProbeOptions,
): Promise<void> {
  const timeout = AbortSignal.timeout(timeoutMs);
  const either = signal === undefined ? timeout : AbortSignal.any([signal, timeout]);
  await using transport = unixTransport(address);
  try {
    for await (const _ of proxiedSnapshotter(transport, name).list([NOTHING], { signal: either })) break;
  } catch (e) {
    signal?.throwIfAborted();
    if (timeout.aborted)
      throw new Fault('unavailable', `${address} gave no answer within ${timeoutMs} ms`, { cause: e });
    if (Fault.is(e, 'unavailable') || Fault.is(e, 'permission_denied')) throw e;
    const why = Fault.is(e, 'unimplemented')
      ? 'it serves no containerd.services.snapshots.v1.Snapshots'
      : reasonOf(e);
    throw new Fault('failed_precondition', `${address} does not answer as a snapshotter: ${why}`, {
      cause: e,
    });
  }
}
