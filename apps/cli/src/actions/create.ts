import type { Command } from 'commander';
import type { RunFlags } from '../commands/run-flags.ts';
import { open } from '../connection.ts';
import { interruptible } from '../interrupt.ts';
import { makeContainer } from './make-container.ts';

export async function create(
  command: Command,
  reference: string,
  args: readonly string[],
  flags: RunFlags,
): Promise<void> {
  await using client = open(command);
  using interrupt = interruptible('No container is left of it.');
  const { signal } = interrupt;
  const what = { ...flags, rm: false, detach: false };
  const { container } = await makeContainer(command, client, { reference, args }, what, { signal });
  process.stdout.write(`${container.id}\n`);
}
