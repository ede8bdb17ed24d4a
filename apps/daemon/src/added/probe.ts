import { type CallOptions, Fault, quote, reasonOf } from '@stowage/core';
import type { Metadata } from '@stowage/metadata';
import { unixTransport } from '@stowage/rpc/transport';
import type { Snapshotter } from '@stowage/snapshots';
import { proxiedSnapshotter } from '../proxied-snapshotter.ts';

export interface ProbeOptions extends CallOptions {
  /** For the first answer. */
  readonly timeoutMs: number;
  /** Undefined where none is composed. */
  readonly metadata: Pick<Metadata, 'unknownSnapshots'> | undefined;
}

/** No snapshot has a name of this form. */
const NOTHING = 'name=="stowage:probe"';

/**
 * Finds out whether a snapshotter answers at a socket, by a call that garbage collection makes too: a list, in the name
 * of no namespace. And whether that would delete what is in it: two daemons can't share one, nor two plugins.
 *
 * @throws Fault `unavailable` or `permission_denied` if nobody answers; `failed_precondition` if it is no snapshotter, or
 *   none of this name, or has snapshots of somebody else. The message says what, and names the socket.
 */
export async function probeSnapshotter(
  name: string,
  address: string,
  { signal, timeoutMs, metadata }: ProbeOptions,
): Promise<void> {
  await using transport = unixTransport(address);
  const snapshotter = proxiedSnapshotter(transport, name);
  await answer(snapshotter, address, { signal, timeoutMs });
  const unknown = await metadata?.unknownSnapshots(name, snapshotter, { signal });
  if (unknown === undefined) return;
  const what = unknown.count === 1 ? 'a snapshot' : `${unknown.count} snapshots, one of them`;
  throw new Fault(
    'failed_precondition',
    `${address} has ${what} ${quote(unknown.first)}, that this daemon knows nothing of and would delete: ` +
      'does another daemon use it, or another plugin?',
  );
}

async function answer(
  snapshotter: Snapshotter,
  address: string,
  { signal, timeoutMs }: Pick<ProbeOptions, 'signal' | 'timeoutMs'>,
): Promise<void> {
  const timeout = AbortSignal.timeout(timeoutMs);
  const either = signal === undefined ? timeout : AbortSignal.any([signal, timeout]);
  try {
    for await (const _ of snapshotter.list([NOTHING], { signal: either })) break;
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
