import { abortable, type CallOptions, reasonOf } from '@stowage/core';
import type { SandboxRef } from '@stowage/sandboxes';
import { readBootstrap, removeBundle } from '../bundle.ts';
import { inTime } from '../in-time.ts';
import { readLog } from '../log-reader.ts';
import { bundleOf, type SandboxContext } from './context.ts';
import { buryLater, burySandbox, discardSandbox } from './end-sandbox.ts';
import { readSandboxRecord, type SandboxRecord, ShimSandbox } from './sandbox.ts';

/** containerd's timeout `shim.load`. */
const LOAD_MS = 5000;

/**
 * Finds the sandbox of an earlier process again. One whose shim is gone is buried, one that was never made is removed, and
 * one whose shim does not answer is kept, since it may come round.
 */
export async function adoptSandbox(context: SandboxContext, ref: SandboxRef): Promise<void> {
  const { sandboxes, log } = context;
  const bundle = bundleOf(context, ref);
  let record: SandboxRecord | undefined;
  try {
    record = await readSandboxRecord(bundle);
  } catch (err) {
    log.error({ ...ref, err }, 'the record of a sandbox can not be read; its shim is left alone');
    return;
  }
  // Its shim was not started yet.
  if (record === undefined) return removeBundle(bundle);
  using _lock = await sandboxes.lock(ref);
  const sandbox = new ShimSandbox(ref, { bundle, binary: record.binary });
  sandbox.exit = record.exit && {
    exitStatus: record.exit.exitStatus,
    exitedAt: new Date(record.exit.exitedAt),
  };
  sandboxes.add(sandbox);
  const isServed = await reach(context, sandbox);
  if (record.phase === 'making') return discardSandbox(context, sandbox);
  sandbox.isMade = true;
  sandbox.isStarted = record.phase === 'started';
  sandbox.phase = 'there';
  if (!isServed) return burySandbox(context, sandbox);
  buryLater(context, sandbox);
}

/** @returns whether its shim lives. */
async function reach({ connections, log }: SandboxContext, sandbox: ShimSandbox): Promise<boolean> {
  const { namespace, id, bundle } = sandbox;
  try {
    const bootstrap = await readBootstrap(bundle);
    if (bootstrap === undefined) return false;
    const lease = await abortable(connections.acquire(bootstrap.path), AbortSignal.timeout(LOAD_MS));
    const { calls } = sandbox.attach(lease, bootstrap);
    lease.connection.keep(readLog(bundle, { namespace, id }, log));
    const ping = (o: CallOptions) => calls.pingSandbox({ sandboxId: id }, o);
    await inTime(`ping sandbox ${id}`, LOAD_MS, {}, ping).catch((e: unknown) => {
      if (!sandbox.isServed) throw e;
      log.warn({ namespace, id, reason: reasonOf(e) }, 'the shim of a sandbox does not answer; it is kept');
    });
    return true;
  } catch (e) {
    log.warn({ namespace, id, reason: reasonOf(e) }, 'the shim of a sandbox is not there any more');
    return false;
  }
}
