import { type Command, InvalidArgumentError } from 'commander';
import { type ListFormatFlags, withListOptions } from './format-options.ts';
import { defineImageList } from './image-list.ts';
import {
  type ProgressFlags,
  type RegistryFlags,
  withProgressOptions,
  withRegistryOptions,
} from './registry-options.ts';

export interface PullFlags extends RegistryFlags, ProgressFlags {
  readonly platform?: string;
  readonly allPlatforms: boolean;
  readonly snapshotter?: string;
  readonly unpackConcurrency?: number;
}

export interface HistoryFlags extends ListFormatFlags {
  readonly platform?: string;
  readonly trunc: boolean;
  readonly json: boolean;
}

const PULL_EXAMPLES = `
Examples:
  stowage pull busybox                        docker.io/library/busybox:latest
  stowage pull ghcr.io/owner/app:1.2
  stowage pull --platform linux/arm64 alpine
  stowage pull --all-platforms alpine         the others too, to save or push them
  stowage pull --plain-http registry.local:5000/app
  stowage pull --unpack-concurrency 4 pytorch/pytorch    more layers at a time, on a fast disk

It prints the image's digest. Layers that are there already are not fetched again. Ctrl-C leaves nothing behind. The
logins are Docker's: see stowage login.`;

const HISTORY_EXAMPLES = `
Examples:
  stowage history busybox
  stowage history --no-trunc nginx
  stowage history --format '{{.Size}}\\t{{.CreatedBy}}' nginx`;

export function addImageCommands(program: Command): void {
  withProgressOptions(withRegistryOptions(program.command('pull <image>')))
    .description('pull an image from its registry and unpack it')
    .option('--platform <os/arch>', 'platform, such as linux/arm64')
    .option('--all-platforms', 'fetch all; one is unpacked', false)
    .option('--snapshotter <name>', 'where to unpack it (default: overlayfs)')
    .option(
      '--unpack-concurrency <n>',
      'layers to unpack at a time, where the snapshotter can (default: 1)',
      parseCount,
    )
    .addHelpText('after', PULL_EXAMPLES)
    .action(async (image: string, flags: PullFlags, command: Command) => {
      const { pull } = await import('../actions/pull.ts');
      await pull(command, image, flags);
    });

  defineImageList(program.command('images'));

  program
    .command('tag <image> <name>')
    .description('give an image one more name; one that has the name loses it')
    .addHelpText('after', '\nExamples:\n  stowage tag busybox 127.0.0.1:5000/busybox:1')
    .action(async (image: string, name: string, _: object, command: Command) => {
      const { tag } = await import('../actions/tag.ts');
      await tag(command, image, name);
    });

  program
    .command('rmi <image...>')
    .description('remove images by their names')
    .option('-f, --force', 'even if containers were made from them, which stay', false)
    .addHelpText(
      'after',
      '\nExamples:\n  stowage rmi busybox\n  stowage rmi -f $(stowage images -q)   remove them all',
    )
    .action(async (names: string[], { force }: { force: boolean }, command: Command) => {
      const { removeImages } = await import('../actions/remove-images.ts');
      process.exitCode = await removeImages(command, names, force);
    });

  withListOptions(program.command('history <image>'), 'digests of layers')
    .description('show how an image was built, the last step first')
    .option('--platform <os/arch>', 'of which platform')
    .option('--no-trunc', 'whole commands')
    .option('--json', 'a line of JSON for each step', false)
    .addHelpText('after', HISTORY_EXAMPLES)
    .action(async (image: string, flags: HistoryFlags, command: Command) => {
      const { showHistory } = await import('../actions/history.ts');
      await showHistory(command, image, flags);
    });
}

function parseCount(text: string): number {
  if (!/^[1-9]\d{0,3}$/.test(text)) throw new InvalidArgumentError('expected a whole number from 1 to 9999');
  return Number(text);
}
