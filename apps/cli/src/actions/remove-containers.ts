import type { Command } from 'commander';
import { open } from '../connection.ts';
import { eachOf } from '../failure.ts';
import { removeContainer } from './remove-container.ts';

/** Removes as many as it can. @returns the exit code: not 0 if any is left. */
export async function removeContainers(
  command: Command,
  ids: readonly string[],
  force: boolean,
): Promise<number> {
  await using client = open(command);
  return await eachOf(ids, async (id) => {
    await removeContainer(command, client, id, { force });
    process.stdout.write(`${id}\n`);
  });
}
