import type { Command } from 'commander';
import { gather } from '../gather.ts';

export interface SaveFlags {
  readonly output?: string;
  readonly platform: readonly string[];
  readonly allPlatforms: boolean;
}

const SAVE_EXAMPLES = `
Examples:
  stowage save -o busybox.tar busybox
  stowage save busybox alpine | gzip > both.tar.gz
  stowage save --platform linux/arm64 -o alpine.tar alpine

It writes an OCI layout that docker load reads too. The file is there once it is whole.`;

const LOAD_EXAMPLES = `
Examples:
  stowage load -i busybox.tar
  docker save app | stowage load

It reads what stowage save, docker save and others write, packed or not, and prints the names of the images.`;

export function addArchiveCommands(program: Command): void {
  program
    .command('save <image...>')
    .description('write images to an archive')
    .option('-o, --output <file>', 'where to (default: standard output)')
    .option(
      '--platform <os/arch>',
      'for this platform (repeat it for more; default: this machine’s)',
      gather,
      [],
    )
    .option('--all-platforms', 'for all, and fail if some are not here', false)
    .addHelpText('after', SAVE_EXAMPLES)
    .action(async (images: string[], flags: SaveFlags, command: Command) => {
      const { save } = await import('../actions/save.ts');
      await save(command, images, flags);
    });

  program
    .command('load')
    .description('read images from an archive')
    .option('-i, --input <file>', 'where from (default: standard input)')
    .addHelpText('after', LOAD_EXAMPLES)
    .action(async ({ input }: { input?: string }, command: Command) => {
      const { load } = await import('../actions/load.ts');
      await load(command, input);
    });
}
