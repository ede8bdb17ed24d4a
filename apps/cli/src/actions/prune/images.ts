import type { Client } from '@stowage/client';
import type { CallOptions } from '@stowage/core';
import type { Command } from 'commander';
import type { PruneFlags } from '../../commands/prune.ts';
import { open } from '../../connection.ts';
import { interruptible } from '../../interrupt.ts';
import { plain } from '../../table.ts';
import { collect } from './collect.ts';
import { confirm } from './confirm.ts';

export async function pruneImages(command: Command, { all, force }: PruneFlags): Promise<void> {
  const which = all ? 'that no container was made from' : 'without a name of their own';
  await confirm(`This removes all images of the namespace ${which}.`, force);
  await using client = open(command);
  using interrupt = interruptible('What was named is removed; the rest is as it was.');
  const { signal } = interrupt;
  await removeUnused(client, all, { signal });
  process.stdout.write(`freed ${await collect(client, { signal })}\n`);
}

/** Names those that it removes. */
export async function removeUnused(client: Client, all: boolean, options: CallOptions): Promise<void> {
  for await (const { name } of client.pruneImages({ ...options, which: all ? 'unused' : 'dangling' }))
    process.stdout.write(`removed image ${plain(name)}\n`);
}
