import { setTimeout as delay } from 'node:timers/promises';
import { abortable, type CallOptions, Fault, reasonOf } from '@stowage/core';
import { dateOf } from '@stowage/rpc';
import type { SandboxExit } from '@stowage/sandboxes';
import type { SandboxContext } from './context.ts';
import { missingSandbox, type ShimSandbox } from './sandbox.ts';

/** How long after a call fails the end of its shim may be noticed. */
const NOTICE_MS = 500;

/** The end of a sandbox. Its shim is asked once, however many wait; if that ends, it is the sandbox's end too. */
export async function waitForExit(
  context: SandboxContext,
  sandbox: ShimSandbox,
  { signal }: CallOptions = {},
): Promise<SandboxExit> {
  if (sandbox.exit !== undefined) return sandbox.exit;
  sandbox.asking ??= ask(context, sandbox).finally(() => {
    sandbox.asking = undefined;
  });
  return abortable(sandbox.asking, signal);
}

async function ask({ log }: SandboxContext, sandbox: ShimSandbox): Promise<SandboxExit> {
  const { namespace, id, line } = sandbox;
  if (line === undefined) throw missingSandbox(sandbox);
  try {
    const answer = line.calls.waitSandbox({ sandboxId: id });
    answer.catch(() => {});
    const { exitStatus, exitedAt } = await Promise.race([
      answer.then((told) => ({ exitStatus: told.exitStatus, exitedAt: dateOf(told.exitedAt) ?? new Date() })),
      sandbox.gone.promise,
    ]);
    sandbox.exit ??= { exitStatus, exitedAt };
  } catch (e) {
    if (!Fault.is(e, 'unavailable')) throw e;
    // Its shim is about to be known as gone; then what is left is cleared away, and that is its end.
    await Promise.race([line.lease.connection.gone, delay(NOTICE_MS)]);
    if (sandbox.isServed) throw e;
    sandbox.exit ??= await sandbox.gone.promise;
  }
  await sandbox.save().catch((e: unknown) => {
    log.warn(
      { namespace, id, reason: reasonOf(e) },
      'the end of a sandbox may be told again after a restart',
    );
  });
  return sandbox.exit;
}
