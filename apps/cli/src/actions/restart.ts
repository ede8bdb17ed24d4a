import type { Command } from 'commander';
import type { StopFlags } from '../commands/lifecycle.ts';
import { open } from '../connection.ts';
import { eachOf } from '../failure.ts';
import { interruptible } from '../interrupt.ts';
import { parseSignal } from '../signal.ts';
import { startDetached } from './start.ts';
import { stopContainer } from './stop.ts';

/** @returns the exit code: not 0 if any could not be. */
export async function restart(command: Command, ids: readonly string[], flags: StopFlags): Promise<number> {
  if (flags.signal !== undefined) parseSignal(flags.signal);
  await using client = open(command);
  using interrupt = interruptible('What was not named may not run: see stowage ps -a.');
  const { signal } = interrupt;
  return await eachOf(ids, async (id) => {
    await stopContainer(client, id, flags, { signal });
    await startDetached(command, client, id, { signal });
    process.stdout.write(`${id}\n`);
  });
}
