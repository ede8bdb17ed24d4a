import { normalizeReference } from '@stowage/registry';
import type { Command } from 'commander';
import type { ConvertFlags } from '../commands/image.ts';
import { open } from '../connection.ts';
import { imageNamed } from '../image-named.ts';
import { interruptible } from '../interrupt.ts';
import { progressView } from '../progress.ts';

export async function convert(
  command: Command,
  source: string,
  text: string,
  flags: ConvertFlags,
): Promise<void> {
  const { compress: compression, level, oci, platform, allPlatforms } = flags;
  const name = normalizeReference(text);
  await using client = open(command);
  using interrupt = interruptible('Nothing was made of it.');
  const { signal } = interrupt;
  const image = await imageNamed(client, source, { signal });
  const platforms = allPlatforms ? 'all' : platform.length > 0 ? platform : undefined;
  using progress = progressView(process.stderr, flags);
  const { descriptor } = await client.convert(image.name, name, {
    compression,
    level,
    oci,
    platforms,
    signal,
    onProgress: progress.update,
  });
  progress[Symbol.dispose]();
  process.stdout.write(`${descriptor.digest}\n`);
}
