import { Fault } from '@stowage/core';
import type { Command } from 'commander';
import type { SnapshotFlags } from '../commands/snapshots.ts';
import { open } from '../connection.ts';
import { eachOf } from '../failure.ts';
import { formatAge, formatSize, table } from '../table.ts';

export async function listSnapshots(command: Command, { snapshotter }: SnapshotFlags): Promise<void> {
  await using client = open(command);
  const rows: string[][] = [];
  for await (const { name, parent, kind, createdAt } of client.services.snapshotter(snapshotter).list())
    rows.push([name, parent, kind, formatAge(createdAt)]);
  process.stdout.write(table(['KEY', 'PARENT', 'KIND', 'CREATED'], rows));
}

/** @returns the exit code: not 0 if any could not be measured. */
export async function showUsage(
  command: Command,
  keys: readonly string[],
  { snapshotter }: SnapshotFlags,
): Promise<number> {
  await using client = open(command);
  const snapshots = client.services.snapshotter(snapshotter);
  const asked = keys.length > 0 ? keys : (await Array.fromAsync(snapshots.list())).map(({ name }) => name);
  const rows: string[][] = [];
  const exitCode = await eachOf(asked, async (key) => {
    try {
      const { sizeBytes, inodes } = await snapshots.usage(key);
      rows.push([key, formatSize(sizeBytes), `${inodes}`]);
    } catch (e) {
      // One of the list that went meanwhile.
      if (keys.length > 0 || !Fault.is(e, 'not_found')) throw e;
    }
  });
  process.stdout.write(table(['KEY', 'SIZE', 'INODES'], rows));
  return exitCode;
}

/** @returns the exit code: not 0 if any is left. */
export async function removeSnapshots(
  command: Command,
  keys: readonly string[],
  { snapshotter }: SnapshotFlags,
): Promise<number> {
  await using client = open(command);
  return await eachOf(keys, async (key) => {
    await client.services.snapshotter(snapshotter).remove(key);
    process.stdout.write(`${key}\n`);
  });
}
