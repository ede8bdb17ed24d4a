import { Fault } from '@stowage/core';
import { normalizeReference } from '@stowage/registry';
import type { Command } from 'commander';
import { interruptSignal, open } from '../connection.ts';
import { progressView } from '../progress.ts';
import { formatAge, formatSize, table } from '../table.ts';

export function addImageCommands(program: Command): void {
  program
    .command('pull <image>')
    .description('pull an image from its registry and unpack it')
    .option('--platform <os/arch>', 'platform, such as linux/arm64')
    .option('--plain-http', 'speak HTTP to a registry that is not on loopback')
    .option('-q, --quiet', 'print nothing but the digest', false)
    .action(async (image: string, options: PullFlags, command: Command) => {
      await using client = open(command);
      using progress = progressView(process.stderr, options.quiet);
      const pulled = await client.pull(normalizeReference(image), {
        unpack: true,
        plainHttp: options.plainHttp,
        platform: options.platform,
        signal: interruptSignal(),
        onProgress: (p) => progress.update(p),
      });
      process.stdout.write(`${pulled.target.digest}\n`);
    });

  program
    .command('images')
    .description('list images')
    .option('-q, --quiet', 'names only', false)
    .action(async ({ quiet }: { quiet: boolean }, command: Command) => {
      await using client = open(command);
      const images = await Array.fromAsync(client.services.images.list());
      if (quiet) {
        for (const { name } of images) process.stdout.write(`${name}\n`);
        return;
      }
      const rows = await Promise.all(
        images.map(async ({ name, target, updatedAt }) => {
          const size = await (await client.image(name)).size().catch(unlessIncomplete);
          return [
            name,
            target.digest.slice(7, 19),
            formatAge(updatedAt),
            size === undefined ? '?' : formatSize(size),
          ];
        }),
      );
      process.stdout.write(table(['NAME', 'DIGEST', 'UPDATED', 'SIZE'], rows));
    });
}

interface PullFlags {
  readonly platform?: string;
  readonly plainHttp?: boolean;
  readonly quiet: boolean;
}

/** Somebody may hold only a part of an image's content. */
function unlessIncomplete(e: unknown): undefined {
  if (!Fault.is(e, 'not_found')) throw e;
}
