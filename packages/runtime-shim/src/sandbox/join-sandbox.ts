import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type CallOptions, Fault, quote, unlessAbsent } from '@stowage/core';
import type { CreateTask, SandboxPlace } from '@stowage/runtime';
import { saveBootstrap } from '../bundle.ts';
import type { Lease } from '../connections.ts';
import type { ShimContext } from '../context.ts';
import { findShim } from '../lookup.ts';
import { type Bootstrap, bootstrapOf } from '../start-answer.ts';
import type { Line, ShimTask } from '../task.ts';

/** As containerd keeps it: the id of the sandbox that a task has joined. */
const SANDBOX = 'sandbox';

/**
 * What cleans up after a container of a sandbox, should its shim die: the sandbox's own binary, or that of the
 * container's runtime. Empty if there is none, as there may be for a sandbox of another process's.
 */
export async function binaryOfMember(
  { findSandbox, lookup }: ShimContext,
  namespace: string,
  { id }: SandboxPlace,
  runtime: string,
): Promise<string> {
  const known = findSandbox({ namespace, id });
  if (known !== undefined) return known.binary;
  return findShim(runtime, lookup).catch((e: unknown) => {
    if (Fault.is(e)) return '';
    throw e;
  });
}

/** Has the shim of a sandbox make a task. No shim is started, and none is ended with the task. */
export async function joinSandbox(
  { connections, findSandbox }: ShimContext,
  task: ShimTask,
  request: CreateTask & { readonly sandbox: SandboxPlace },
  options: CallOptions,
): Promise<number> {
  const { namespace, bundle } = task;
  const { sandbox } = request;
  const bootstrap =
    sandbox.address === ''
      ? findSandbox({ namespace, id: sandbox.id })
      : bootstrapOfAddress(task.id, sandbox);
  if (bootstrap === undefined) {
    throw new Fault('not_found', `create task ${task.id}: its sandbox ${quote(sandbox.id)} is not running`);
  }
  await writeFile(join(bundle, SANDBOX), sandbox.id, { mode: 0o600 });
  await saveBootstrap(bundle, bootstrap);
  const line = attachMember(task, await connections.acquire(bootstrap.path), bootstrap);
  return (await line.calls.create(request, options)).pid;
}

/** Whether a task, of an earlier process, has joined a sandbox. */
export async function isMember(bundle: string): Promise<boolean> {
  return (await unlessAbsent(readFile(join(bundle, SANDBOX)))) !== undefined;
}

/** The line of a task to the shim of its sandbox, which is the controller's to end. */
export function attachMember(task: ShimTask, lease: Lease, { version }: Bootstrap): Line {
  const { calls } = task.attach(lease, version);
  const shared: Lease = {
    connection: lease.connection,
    isLast: false,
    [Symbol.asyncDispose]: () => lease[Symbol.asyncDispose](),
  };
  task.line = { lease: shared, calls: { ...calls, shutdown: async () => {} } };
  return task.line;
}

/** @see containerd core/runtime/v2/shim_manager.go Start */
function bootstrapOfAddress(id: string, { address, version }: SandboxPlace): Bootstrap {
  const [, protocol, rest] = /^([a-z]+)\+(.+)$/.exec(address) ?? [];
  const what = `create task ${id}: task API address ${quote(address)}`;
  if (protocol === undefined || rest === undefined) {
    throw new Fault('invalid_argument', `${what}: expected the form ttrpc+unix://<path>`);
  }
  if (version < 2) throw new Fault('invalid_argument', `${what}: expected version 2 or 3, got ${version}`);
  return bootstrapOf({ protocol, address: rest, version });
}
