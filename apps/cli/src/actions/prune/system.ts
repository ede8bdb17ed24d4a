import type { Command } from 'commander';
import type { PruneFlags } from '../../commands/prune.ts';
import { open } from '../../connection.ts';
import { interruptible } from '../../interrupt.ts';
import { formatSize } from '../../table.ts';
import { collect } from './collect.ts';
import { confirm } from './confirm.ts';
import { removeStopped } from './containers.ts';
import { removeUnused } from './images.ts';

export async function pruneSystem(command: Command, { all, force }: PruneFlags): Promise<void> {
  const images = all ? 'that no container was made from then' : 'without a name of their own';
  await confirm(`This removes all containers of the namespace that do not run, and images ${images}.`, force);
  await using client = open(command);
  using interrupt = interruptible('What was named is removed; the rest is as it was.');
  const { signal } = interrupt;
  const containers = await removeStopped(command, client, { signal });
  await removeUnused(client, all, { signal });
  process.stdout.write(
    `freed ${formatSize(containers)} of containers, and ${await collect(client, { signal })} by the collection\n`,
  );
}
