import { randomBytes } from 'node:crypto';
import type { Client, ContainerHandle, ImageHandle } from '@stowage/client';
import { type CallOptions, Fault } from '@stowage/core';
import { normalizeReference } from '@stowage/registry';
import type { Command } from 'commander';
import type { RunFlags } from '../commands/run-flags.ts';
import { open } from '../connection.ts';
import { running } from '../failure.ts';
import { interruptible } from '../interrupt.ts';
import { progressView } from '../progress.ts';
import { registryAccess } from '../registry-access.ts';
import { attend, ownStreams } from './attend.ts';
import { snapshotLabels, specOptions } from './spec-options.ts';

export function run(command: Command, reference: string, args: string[], flags: RunFlags): Promise<number> {
  return running(async () => {
    if (flags.detach && (flags.tty || flags.interactive))
      throw new Fault('invalid_argument', '-d goes with neither -i nor -t: nobody would be there');
    const spec = await specOptions(args, flags);
    await using client = open(command);
    using interrupt = interruptible();
    const { signal } = interrupt;
    const image = await obtain(client, normalizeReference(reference), flags.pull, { signal });
    const id = flags.name ?? randomBytes(6).toString('hex');
    const made = await client.createContainer({
      id,
      image,
      user: flags.user,
      spec,
      snapshotLabels: snapshotLabels(flags),
      signal,
    });
    let started = false;
    await using _container = disposedIf(made, () => flags.rm || !started);
    await using task = await made.createTask({ io: flags.detach ? {} : ownStreams(flags), signal });
    if (!flags.detach) {
      const done = () => {
        started = true;
        // From here on signals are for the program.
        interrupt[Symbol.dispose]();
      };
      return await attend(task, flags, { signal, started: done });
    }
    await task.start({ signal });
    started = true;
    task.release();
    process.stdout.write(`${id}\n`);
    return 0;
  });
}

function disposedIf(container: ContainerHandle, when: () => boolean): AsyncDisposable {
  return {
    async [Symbol.asyncDispose]() {
      if (when()) await container[Symbol.asyncDispose]();
    },
  };
}

/** The image, unpacked; pulled if that is asked for. */
async function obtain(
  client: Client,
  name: string,
  when: RunFlags['pull'],
  { signal }: CallOptions,
): Promise<ImageHandle> {
  if (when !== 'always') {
    try {
      const image = await client.image(name, { signal });
      await image.unpack({ signal });
      return image;
    } catch (e) {
      if (!Fault.is(e, 'not_found') || when === 'never') throw e;
    }
  }
  const access = await registryAccess();
  using progress = progressView(process.stderr);
  return await client.pull(name, { ...access, unpack: true, signal, onProgress: progress.update });
}
