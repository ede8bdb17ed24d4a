import { normalizeReference } from '@stowage/registry';
import type { Command } from 'commander';
import type { PullFlags } from '../commands/images.ts';
import { open } from '../connection.ts';
import { interruptible } from '../interrupt.ts';
import { progressView } from '../progress.ts';
import { registryAccess } from '../registry-access.ts';

export async function pull(command: Command, image: string, flags: PullFlags): Promise<void> {
  const access = await registryAccess(flags);
  await using client = open(command);
  using interrupt = interruptible('Nothing of it is left here: the next pull begins anew.');
  using progress = progressView(process.stderr, flags);
  const { target } = await client.pull(normalizeReference(image), {
    ...access,
    unpack: true,
    snapshotter: flags.snapshotter,
    unpackConcurrency: flags.unpackConcurrency,
    platform: flags.platform,
    platforms: flags.allPlatforms ? 'all' : undefined,
    signal: interrupt.signal,
    onProgress: progress.update,
  });
  progress[Symbol.dispose]();
  process.stdout.write(`${target.digest}\n`);
}
