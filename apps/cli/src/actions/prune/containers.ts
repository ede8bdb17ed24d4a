import type { Client } from '@stowage/client';
import { type CallOptions, Fault, unlessGone } from '@stowage/core';
import type { Command } from 'commander';
import type { PruneFlags } from '../../commands/prune.ts';
import { open } from '../../connection.ts';
import { interruptible } from '../../interrupt.ts';
import { formatSize } from '../../table.ts';
import { removeContainer } from '../remove-container.ts';
import { confirm } from './confirm.ts';

export async function pruneContainers(command: Command, { force }: PruneFlags): Promise<void> {
  await confirm('This removes all containers of the namespace that do not run.', force);
  await using client = open(command);
  using interrupt = interruptible('What was named is removed; the rest is as it was.');
  const freedBytes = await removeStopped(command, client, { signal: interrupt.signal });
  process.stdout.write(`freed ${formatSize(freedBytes)}\n`);
}

/** Names those that it removes. @returns what their snapshots took. */
export async function removeStopped(command: Command, client: Client, options: CallOptions): Promise<bigint> {
  const { containers, tasks } = client.services;
  let freedBytes = 0n;
  for await (const { id, snapshotter, snapshotKey } of containers.list([], options)) {
    const task = await unlessGone(tasks.get({ containerId: id }, options));
    if (task !== undefined && task.status !== 'stopped') continue;
    const snapshots = client.services.snapshotter(snapshotter);
    const usage = snapshotKey === '' ? undefined : await unlessGone(snapshots.usage(snapshotKey, options));
    try {
      await unlessGone(removeContainer(command, client, id, options));
    } catch (e) {
      // Started meanwhile.
      if (!Fault.is(e, 'failed_precondition')) throw e;
      continue;
    }
    freedBytes += usage?.sizeBytes ?? 0n;
    process.stdout.write(`removed container ${id}\n`);
  }
  return freedBytes;
}
