import type { Client } from '@stowage/client';
import { Fault, unlessGone } from '@stowage/core';
import type { Command } from 'commander';
import { open } from '../connection.ts';
import { eachOf } from '../failure.ts';

/** Removes as many as it can. @returns the exit code: not 0 if any is left. */
export async function removeContainers(
  command: Command,
  ids: readonly string[],
  force: boolean,
): Promise<number> {
  await using client = open(command);
  return await eachOf(ids, async (id) => {
    await remove(client, id, force);
    process.stdout.write(`${id}\n`);
  });
}

async function remove(client: Client, id: string, force: boolean): Promise<void> {
  const container = await client.container(id);
  const task = await unlessGone(client.task(id));
  if (task !== undefined) {
    const { status } = await task.status();
    if (status !== 'stopped' && status !== 'created' && !force) {
      const reason = `it is ${status}; end it first, or use --force`;
      throw new Fault('failed_precondition', `remove ${id}: ${reason}`);
    }
    await task.end();
  }
  await container.delete();
}
