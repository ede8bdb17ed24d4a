import type { Command } from 'commander';
import { open } from '../connection.ts';
import { eachOf } from '../failure.ts';
import { interruptible } from '../interrupt.ts';
import { autoRemove } from './auto-remove.ts';

/** Prints exit codes in the order of the ids. @returns the exit code: not 0 if any of them has not been started. */
export async function wait(command: Command, ids: readonly string[]): Promise<number> {
  await using client = open(command);
  using interrupt = interruptible();
  const { signal } = interrupt;
  return await eachOf(ids, async (id) => {
    await client.container(id, { signal });
    const { exitStatus } = await (await client.task(id, { signal })).wait({ signal });
    process.stdout.write(`${exitStatus}\n`);
    await autoRemove(command, client, id, { signal });
  });
}
