import { setTimeout as delay } from 'node:timers/promises';
import { type CallOptions, Fault, reasonOf } from '@stowage/core';
import { hasCode } from '@stowage/linux';
import type { SandboxExit } from '@stowage/sandboxes';
import { removeBundle, unmountRootfs } from '../bundle.ts';
import { deleteByBinary } from '../delete-binary.ts';
import { inTime } from '../in-time.ts';
import type { SandboxContext } from './context.ts';
import type { ShimSandbox } from './sandbox.ts';

/** How long a shim may take to undo what was given up. */
const DISCARD_MS = 5000;
/** How long after its last answer a shim may take to end. */
const END_MS = 3000;
/** How long a shim that has no sandboxes is given to end. */
const LEAVE_MS = 1000;
/** How long after a call fails the end of its shim may be noticed. */
const NOTICE_MS = 500;
/** For an exit that nobody knows. */
const UNKNOWN_EXIT = 255;

/**
 * Has the shim free what the sandbox holds and end, and removes the bundle.
 *
 * @throws what the shim says; nothing has changed then.
 */
export async function shutDownSandbox(
  context: SandboxContext,
  sandbox: ShimSandbox,
  options: CallOptions,
): Promise<void> {
  const { id, line } = sandbox;
  let isAnswered = true;
  sandbox.isShuttingDown = true;
  try {
    // Not under the lock: a start that takes for ever can be ended so.
    await line?.calls.shutdownSandbox({ sandboxId: id }, options);
  } catch (e) {
    // It may end before it answers.
    if (Fault.is(e, 'unavailable')) await Promise.race([line?.lease.connection.gone, delay(NOTICE_MS)]);
    if (sandbox.isServed && !Fault.is(e, 'not_found')) {
      sandbox.isShuttingDown = false;
      throw e;
    }
    isAnswered = false;
  }
  using _lock = await context.sandboxes.lock(sandbox);
  if (context.sandboxes.get(sandbox) !== sandbox) return;
  sandbox.phase = 'ending';
  await awaitEnd(context, sandbox);
  if (!isAnswered) await byBinary(context, sandbox, 'debug');
  await clearAway(context, sandbox);
}

/** Under the sandbox's lock: leaves nothing of one that could not be made or started. */
export async function discardSandbox(context: SandboxContext, sandbox: ShimSandbox): Promise<void> {
  sandbox.phase = 'ending';
  if (sandbox.isServed) await freeAtLast(context, sandbox);
  await byBinary(context, sandbox, 'debug');
  await clearAway(context, sandbox);
}

async function freeAtLast(context: SandboxContext, sandbox: ShimSandbox): Promise<void> {
  const { namespace, id, line } = sandbox;
  const within = (ask: (options: CallOptions) => Promise<unknown> | undefined) =>
    inTime(`shut down sandbox ${id}`, DISCARD_MS, {}, async (o) => ask(o));
  try {
    await within((o) => line?.calls.shutdownSandbox({ sandboxId: id }, o));
    await awaitEnd(context, sandbox);
  } catch (e) {
    if (Fault.is(e, 'unavailable')) return;
    if (Fault.is(e, 'unimplemented')) {
      // A shim of tasks: it ends if it has none, be they ours or not.
      await within((o) => line?.tasks.shutdown({ id }, o)).catch(() => {});
      await Promise.race([line?.lease.connection.gone, delay(LEAVE_MS, undefined, { ref: false })]);
      return;
    }
    context.log.error({ namespace, id, reason: reasonOf(e) }, 'a shim would not shut down its sandbox');
    await awaitEnd(context, sandbox);
  }
}

/** Once its shim ends unasked, the sandbox has ended. Whoever waits is told, and all of it is cleared away. */
export function buryLater(context: SandboxContext, sandbox: ShimSandbox): void {
  const { namespace, id, line } = sandbox;
  line?.lease.connection.gone
    .then(async () => {
      using _lock = await context.sandboxes.lock(sandbox);
      if (sandbox.phase === 'there' && !sandbox.isShuttingDown) await burySandbox(context, sandbox);
    })
    .catch((err: unknown) => context.log.error({ err, namespace, id }, 'clearing away a sandbox failed'));
}

/** Under the sandbox's lock. */
export async function burySandbox(context: SandboxContext, sandbox: ShimSandbox): Promise<void> {
  const { namespace, id, binary, isStarted } = sandbox;
  const isNews = isStarted && sandbox.exit === undefined;
  sandbox.phase = 'ending';
  context.log.warn({ namespace, id, binary }, 'the shim of a sandbox is gone; the sandbox is cleared away');
  sandbox.exit ??= { exitStatus: UNKNOWN_EXIT, exitedAt: new Date() };
  // Before it is removed: whoever asks finds it here or there.
  context.departed.add(sandbox, sandbox.exit, isNews);
  await byBinary(context, sandbox, 'error');
  await clearAway(context, sandbox);
}

/** One that others here are served by too stays, and one that does not end and tells its pid is ended. */
async function awaitEnd(
  { log }: SandboxContext,
  { namespace, id, line, shimPid }: ShimSandbox,
): Promise<void> {
  if (line === undefined || !line.lease.isLast) return;
  const { gone } = line.lease.connection;
  const left = await Promise.race([gone, delay(END_MS, 'there', { ref: false })]);
  if (left !== 'there') return;
  if (shimPid === 0) {
    log.error({ namespace, id }, 'a shim whose sandbox was shut down does not end, and its pid is not known');
    return;
  }
  log.warn({ namespace, id, pid: shimPid }, 'a shim that would not end is killed');
  try {
    process.kill(shimPid, 'SIGKILL');
  } catch (e) {
    if (!hasCode(e, 'ESRCH')) throw e;
  }
}

async function byBinary(
  { at, log }: SandboxContext,
  sandbox: ShimSandbox,
  level: 'debug' | 'error',
): Promise<void> {
  const { namespace, id } = sandbox;
  try {
    await deleteByBinary(sandbox, at);
  } catch (e) {
    log[level]({ namespace, id, reason: reasonOf(e) }, 'a shim could not clean up after a sandbox');
  }
}

async function clearAway({ mounter, sandboxes, log }: SandboxContext, sandbox: ShimSandbox): Promise<void> {
  const { namespace, id, bundle } = sandbox;
  try {
    await unmountRootfs(bundle, mounter);
    await removeBundle(bundle);
  } catch (e) {
    log.error(
      { namespace, id, bundle, reason: reasonOf(e) },
      'the bundle of a sandbox could not be cleared away',
    );
  }
  await sandbox.line?.lease[Symbol.asyncDispose]();
  sandboxes.remove(sandbox);
  const exit: SandboxExit = sandbox.exit ?? { exitStatus: UNKNOWN_EXIT, exitedAt: new Date() };
  sandbox.gone.resolve(exit);
}
