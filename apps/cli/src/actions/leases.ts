import { LABEL } from '@stowage/core';
import type { Lease } from '@stowage/leases';
import type { Command } from 'commander';
import type { ListFormatFlags } from '../commands/format-options.ts';
import type { CreateLeaseFlags } from '../commands/leases.ts';
import { open } from '../connection.ts';
import { eachOf } from '../failure.ts';
import { formatOf, type Listing, list } from '../listing.ts';
import { labelsText, parsePairs } from '../pairs.ts';
import { formatAge } from '../table.ts';

const LISTING: Listing<Lease> = {
  fields: [
    { name: 'ID', heading: 'LEASE', text: ({ id }) => id },
    { name: 'CreatedSince', heading: 'CREATED', text: ({ createdAt }) => formatAge(createdAt) },
    { name: 'Expires', heading: 'EXPIRES', text: ({ labels }) => labels[LABEL.gcExpire] ?? 'never' },
    { name: 'Labels', heading: 'LABELS', text: ({ labels }) => labelsText(withoutExpiry(labels)) },
  ],
  json: ({ id, createdAt, labels }) => ({ id, createdAt, labels }),
  name: ({ id }) => id,
};

function withoutExpiry({ [LABEL.gcExpire]: _, ...others }: Lease['labels']): Lease['labels'] {
  return others;
}

export async function listLeases(command: Command, flags: ListFormatFlags): Promise<void> {
  const format = formatOf(flags);
  await using client = open(command);
  await list(client.services.leases.list(), LISTING, format);
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
