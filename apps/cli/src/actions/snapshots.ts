import { Fault } from '@stowage/core';
import type { SnapshotInfo } from '@stowage/snapshots';
import type { Command } from 'commander';
import type { ListSnapshotsFlags, SnapshotFlags } from '../commands/snapshots.ts';
import { open } from '../connection.ts';
import { eachOf } from '../failure.ts';
import { formatOf, type Listing, list } from '../listing.ts';
import { labelsText } from '../pairs.ts';
import { formatAge, formatSize, table } from '../table.ts';

const LISTING: Listing<SnapshotInfo> = {
  fields: [
    { name: 'Key', heading: 'KEY', text: ({ name }) => name },
    { name: 'Parent', heading: 'PARENT', text: ({ parent }) => parent },
    { name: 'Kind', heading: 'KIND', text: ({ kind }) => kind },
    { name: 'CreatedSince', heading: 'CREATED', text: ({ createdAt }) => formatAge(createdAt) },
    { name: 'Labels', text: ({ labels }) => labelsText(labels) },
  ],
  json: ({ name, parent, kind, createdAt, updatedAt, labels }) => ({
    ...{ key: name, parent, kind, createdAt, updatedAt, labels },
  }),
  name: ({ name }) => name,
};

export async function listSnapshots(command: Command, flags: ListSnapshotsFlags): Promise<void> {
  const format = formatOf(flags);
  await using client = open(command);
  await list(client.services.snapshotter(flags.snapshotter).list(), LISTING, format);
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
