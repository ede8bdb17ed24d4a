import { rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Client, ContainerHandle } from '@stowage/client';
import { logPath } from '@stowage/client/logs';
import { type CallOptions, Fault, unlessGone } from '@stowage/core';
import type { Command } from 'commander';
import { CLI_LABEL } from '../container-labels.ts';
import type { GlobalOptions } from '../global-options.ts';
import { containerDir, isOwnLog } from '../state.ts';

/** Removes a container with its task, snapshot, log and FIFOs. @throws Fault `failed_precondition` if it runs, and may not be killed. */
export async function removeContainer(
  command: Command,
  client: Client,
  id: string,
  { force = false, signal }: CallOptions & { readonly force?: boolean } = {},
): Promise<void> {
  const container = await client.container(id, { signal });
  const task = await unlessGone(client.task(id, { signal }));
  if (task !== undefined) {
    const { status } = await task.status({ signal });
    if (status !== 'stopped' && status !== 'created' && !force) {
      const reason = `it is ${status}; stop it first, or use --force`;
      throw new Fault('failed_precondition', `remove ${id}: ${reason}`);
    }
    await task.end({ signal });
  }
  const files = await filesOf(command, container);
  await container.delete({ signal });
  for (const dir of files) await rm(dir, { recursive: true, force: true });
}

/** The directories of this tool's that hold its files. */
async function filesOf(command: Command, container: ContainerHandle): Promise<ReadonlySet<string>> {
  const { id } = container;
  const { namespace } = command.optsWithGlobals<GlobalOptions>();
  const log = logPath((await container.info()).labels[CLI_LABEL.log]);
  const named = log !== undefined && isOwnLog(log, namespace, id) ? [dirname(log)] : [];
  return new Set([await containerDir(command, id), ...named]);
}
