import { normalizeReference } from '@stowage/registry';
import type { Command } from 'commander';
import type { PullFlags } from '../commands/images.ts';
import { open } from '../connection.ts';
import { interruptible } from '../interrupt.ts';
import { progressView } from '../progress.ts';

export async function pull(command: Command, image: string, flags: PullFlags): Promise<void> {
  await using client = open(command);
  using interrupt = interruptible();
  using progress = progressView(process.stderr, flags.quiet);
  const { target } = await client.pull(normalizeReference(image), {
    unpack: true,
    snapshotter: flags.snapshotter,
    unpackConcurrency: flags.unpackConcurrency,
    plainHttp: flags.plainHttp,
    platform: flags.platform,
    signal: interrupt.signal,
    onProgress: (p) => progress.update(p),
  });
  process.stdout.write(`${target.digest}\n`);
}
