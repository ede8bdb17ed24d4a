import { LABEL } from '@stowage/core';
import type { Command } from 'commander';
import type { CreateLeaseFlags } from '../commands/leases.ts';
import { open } from '../connection.ts';
import { eachOf } from '../failure.ts';
import { labelsText, parsePairs } from '../pairs.ts';
import { formatAge, table } from '../table.ts';

export async function listLeases(command: Command, quiet: boolean): Promise<void> {
  await using client = open(command);
  const { leases } = client.services;
  const rows: string[][] = [];
  for await (const { id, createdAt, labels } of leases.list()) {
    if (quiet) {
      process.stdout.write(`${id}\n`);
      continue;
    }
    const { [LABEL.gcExpire]: expires = 'never', ...others } = labels;
    rows.push([id, formatAge(createdAt), expires, labelsText(others)]);
  }
  if (!quiet) process.stdout.write(table(['LEASE', 'CREATED', 'EXPIRES', 'LABELS'], rows));
}

export async function createLease(
  command: Command,
  entries: readonly string[],
  { id, expires }: CreateLeaseFlags,
): Promise<void> {
  const labels = parsePairs('label', entries);
  if (expires !== undefined)
    // In whole seconds, as containerd writes it.
    labels[LABEL.gcExpire] = new Date(Date.now() + expires).toISOString().replace(/\.\d+Z$/, 'Z');
  await using client = open(command);
  const made = await client.services.leases.create({ id, labels });
  process.stdout.write(`${made.id}\n`);
}

/** @returns the exit code: not 0 if any is left. */
export async function removeLeases(command: Command, ids: readonly string[], sync: boolean): Promise<number> {
  await using client = open(command);
  return await eachOf(ids, async (id) => {
    await client.services.leases.delete(id, { sync });
    process.stdout.write(`${id}\n`);
  });
}
