import type { Command } from 'commander';
import type { WatchFlags } from '../../commands/operations.ts';
import { eachOf } from '../../failure.ts';
import { known, openOperations } from './service.ts';

/** @returns the exit code. */
export async function cancelOperations(
  command: Command,
  ids: readonly string[],
  { allNamespaces }: Pick<WatchFlags, 'allNamespaces'>,
): Promise<number> {
  await using at = openOperations(command, allNamespaces);
  return await eachOf(ids, async (id) => {
    await known(at.operations.cancel(id));
    process.stdout.write(`${id}\n`);
  });
}
