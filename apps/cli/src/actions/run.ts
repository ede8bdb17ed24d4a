import { mkdir, rm } from 'node:fs/promises';
import type { IoOptions } from '@stowage/client';
import type { Command } from 'commander';
import type { RunFlags } from '../commands/run-flags.ts';
import { open } from '../connection.ts';
import { parseDetachKeys } from '../detach-keys.ts';
import { running } from '../failure.ts';
import { interruptible } from '../interrupt.ts';
import { attend, ownStreams } from './attend.ts';
import { detachedStreams } from './detached-streams.ts';
import { type MadeContainer, makeContainer } from './make-container.ts';

export function run(command: Command, reference: string, args: string[], flags: RunFlags): Promise<number> {
  return running(async () => {
    const keys = parseDetachKeys(flags.detachKeys);
    await using client = open(command);
    using interrupt = interruptible('No container is left of it.');
    const { signal } = interrupt;
    const made = await makeContainer(command, client, { reference, args }, flags, { signal });
    const { container, labels, dir } = made;
    let isKept = false;
    await using _container = disposedUnless(made, () => isKept);
    if (flags.detach) {
      const io = await detachedStreams(dir, labels, flags.tty);
      await using task = await container.createTask({ io, signal });
      await task.start({ signal });
      isKept = true;
      task.leave();
      process.stdout.write(`${container.id}\n`);
      return 0;
    }
    using streams = ownStreams({ ...flags, keys });
    await using task = await container.createTask({
      io: { ...streams.io, ...(await placeOf(flags, dir)) },
      signal,
    });
    const started = () => {
      isKept = !flags.rm;
      // From here on signals are for the program.
      interrupt[Symbol.dispose]();
    };
    const exit = await attend(task, { ...flags, streams }, { signal, started });
    if (exit !== 'detached') return exit;
    isKept = true;
    return 0;
  });
}

/** FIFOs that may be left for others lie with what is the container's, to go with it. */
async function placeOf({ tty, interactive }: RunFlags, dir: string): Promise<Pick<IoOptions, 'fifoDir'>> {
  if (!tty || !interactive) return {};
  await mkdir(dir, { recursive: true, mode: 0o700 });
  return { fifoDir: dir };
}

function disposedUnless({ container, dir }: MadeContainer, isKept: () => boolean): AsyncDisposable {
  return {
    async [Symbol.asyncDispose]() {
      if (isKept()) return;
      await container[Symbol.asyncDispose]();
      await rm(dir, { recursive: true, force: true });
    },
  };
}
