import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  abortable,
  type CallOptions,
  Fault,
  quote,
  type TypedBytes,
  validateIdentifier,
} from '@stowage/core';
import { anyOf, mountToWire } from '@stowage/rpc';
import type { CreateSandbox, NewSandbox, SandboxRef } from '@stowage/sandboxes';
import { removeBundle, saveBootstrap } from '../bundle.ts';
import { inTime } from '../in-time.ts';
import { makeLogFifo, readLog } from '../log-reader.ts';
import { findShim } from '../lookup.ts';
import { bundleOf, type SandboxContext } from './context.ts';
import { buryLater, discardSandbox } from './end-sandbox.ts';
import { type SandboxLine, ShimSandbox } from './sandbox.ts';

const CONNECT_MS = 2000;

/** Starts a shim, and has it make a sandbox. If that fails, or is given up, nothing of it is left. */
export async function makeSandbox(
  context: SandboxContext,
  namespace: string,
  request: CreateSandbox,
  { signal }: CallOptions = {},
): Promise<void> {
  const { id, sandbox } = request;
  validateIdentifier(id, 'sandbox id');
  const refuse = (reason: string) => new Fault('invalid_argument', `create sandbox ${id}: ${reason}`);
  if (sandbox === undefined) throw refuse('it has no record, which names its runtime');
  if (sandbox.runtime.name === '') throw refuse('the name of its runtime is required');
  const lock = await context.sandboxes.lock({ namespace, id }, signal);
  // The lock is held to the end of what is under way, if the caller leaves.
  return abortable(underLock(context, { namespace, id }, { ...request, sandbox }, lock, signal), signal);
}

async function underLock(
  context: SandboxContext,
  ref: SandboxRef,
  request: CreateSandbox & { readonly sandbox: NewSandbox },
  lock: Disposable,
  signal: AbortSignal | undefined,
): Promise<void> {
  using _lock = lock;
  const { sandboxes, departed, log } = context;
  const { namespace, id } = ref;
  if (sandboxes.get(ref) !== undefined) {
    throw new Fault('already_exists', `create sandbox ${id}: it exists already`);
  }
  const { runtime, spec } = request.sandbox;
  const binary = await findShim(runtime.name, context.lookup);
  const sandbox = new ShimSandbox(ref, { bundle: bundleOf(context, ref), binary });
  sandboxes.add(sandbox);
  try {
    await makeBundle(sandbox.bundle, spec);
    await sandbox.save();
    const line = await startShim(context, sandbox, runtime.options);
    signal?.throwIfAborted();
    await createBy(line, sandbox, request, signal);
    signal?.throwIfAborted();
    sandbox.isMade = true;
    sandbox.phase = 'there';
    await sandbox.save();
  } catch (e) {
    await discardSandbox(context, sandbox);
    throw e;
  }
  departed.forget(sandbox);
  buryLater(context, sandbox);
  log.debug({ namespace, id, binary }, 'a shim made a sandbox');
}

/** As containerd's, without the link to a directory that lasts. What a crash left in its place is removed. */
async function makeBundle(bundle: string, spec: TypedBytes | undefined): Promise<void> {
  await removeBundle(bundle);
  await mkdir(join(bundle, 'rootfs'), { recursive: true, mode: 0o711 });
  await chmod(bundle, 0o700);
  if (spec !== undefined)
    await writeFile(join(bundle, 'config.json'), spec.value, { flag: 'wx', mode: 0o600 });
}

async function startShim(
  { starter, connections, log }: SandboxContext,
  sandbox: ShimSandbox,
  options: TypedBytes | undefined,
): Promise<SandboxLine> {
  const { namespace, id, bundle, binary } = sandbox;
  makeLogFifo(bundle);
  const reader = readLog(bundle, { namespace, id }, log);
  try {
    const bootstrap = await starter.start({ binary, bundle, namespace, id, options });
    await saveBootstrap(bundle, bootstrap);
    const line = sandbox.attach(await connections.acquire(bootstrap.path), bootstrap);
    line.lease.connection.keep(reader);
    sandbox.shimPid = await shimPidOf(line, id);
    return line;
  } catch (e) {
    if (sandbox.line === undefined) reader[Symbol.dispose]();
    throw e;
  }
}

/** So that a shim that does not end can be ended. 0 where it does not tell, which none has to. */
async function shimPidOf({ tasks }: SandboxLine, id: string): Promise<number> {
  const ask = (options: CallOptions) => tasks.connect(id, options);
  const told = await inTime(`connect to ${id}`, CONNECT_MS, {}, ask).catch(() => undefined);
  return told?.shimPid ?? 0;
}

async function createBy(
  { calls }: SandboxLine,
  { bundle, binary, id }: ShimSandbox,
  { sandbox, rootfs, options, netnsPath, annotations }: CreateSandbox & { readonly sandbox: NewSandbox },
  signal: AbortSignal | undefined,
): Promise<void> {
  const wanted = {
    ...{ sandboxId: id, bundlePath: bundle, netnsPath, annotations: { ...annotations } },
    rootfs: rootfs.map(mountToWire),
    ...(options && { options: anyOf(options) }),
  };
  try {
    await calls.createSandbox(wanted, { signal });
  } catch (e) {
    if (!Fault.is(e, 'unimplemented')) throw e;
    const why = `its shim ${binary} does not serve containerd.runtime.sandbox.v1.Sandbox`;
    const name = quote(sandbox.runtime.name);
    throw new Fault('unimplemented', `create sandbox ${id}: runtime ${name} has no sandboxes: ${why}`, {
      cause: e,
    });
  }
}
