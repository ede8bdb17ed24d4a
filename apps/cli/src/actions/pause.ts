import type { TaskHandle } from '@stowage/client';
import type { Command } from 'commander';
import { open } from '../connection.ts';
import { eachOf } from '../failure.ts';

/** @returns the exit code: not 0 if any could not be. */
export function pause(command: Command, ids: readonly string[]): Promise<number> {
  return each(command, ids, (task) => task.pause());
}

/** @returns the exit code: not 0 if any could not be. */
export function unpause(command: Command, ids: readonly string[]): Promise<number> {
  return each(command, ids, (task) => task.resume());
}

async function each(
  command: Command,
  ids: readonly string[],
  change: (task: TaskHandle) => Promise<void>,
): Promise<number> {
  await using client = open(command);
  return await eachOf(ids, async (id) => {
    await client.container(id);
    await change(await client.task(id));
    process.stdout.write(`${id}\n`);
  });
}
