import type { Client } from '@stowage/client';
import { Fault } from '@stowage/core';
import type { Command } from 'commander';
import { open } from '../connection.ts';
import { formatAge, formatSize, table } from '../table.ts';

export async function listImages(command: Command, quiet: boolean): Promise<void> {
  await using client = open(command);
  const rows: string[][] = [];
  for await (const { name, target, updatedAt } of client.services.images.list()) {
    if (quiet) process.stdout.write(`${name}\n`);
    else rows.push([name, shortDigest(target.digest), formatAge(updatedAt), await sizeOf(client, name)]);
  }
  if (!quiet) process.stdout.write(table(['NAME', 'DIGEST', 'UPDATED', 'SIZE'], rows));
}

const shortDigest = (digest: string) => digest.slice(digest.indexOf(':') + 1).slice(0, 12);

/** One image that is not for this platform, or incomplete, or broken, must not hide the others. */
async function sizeOf(client: Client, name: string): Promise<string> {
  try {
    return formatSize(await (await client.image(name)).size());
  } catch (e) {
    if (Fault.is(e) && e.kind !== 'unavailable') return '?';
    throw e;
  }
}
