import { type Command, InvalidArgumentError } from 'commander';

export interface PullFlags {
  readonly platform?: string;
  readonly snapshotter?: string;
  readonly unpackConcurrency?: number;
  readonly plainHttp?: boolean;
  readonly quiet: boolean;
}

const PULL_EXAMPLES = `
Examples:
  stowage pull busybox                        docker.io/library/busybox:latest
  stowage pull ghcr.io/owner/app:1.2
  stowage pull --platform linux/arm64 alpine
  stowage pull --plain-http registry.local:5000/app
  stowage pull --unpack-concurrency 4 pytorch/pytorch    more layers at a time, on a fast disk

It prints the image's digest. Layers that are there already are not fetched again. Ctrl-C leaves nothing behind.`;

export function addImageCommands(program: Command): void {
  program
    .command('pull <image>')
    .description('pull an image from its registry and unpack it')
    .option('--platform <os/arch>', 'platform, such as linux/arm64')
    .option('--snapshotter <name>', 'where to unpack it (default: overlayfs)')
    .option(
      '--unpack-concurrency <n>',
      'layers to unpack at a time, where the snapshotter can (default: 1)',
      parseCount,
    )
    .option('--plain-http', 'speak HTTP to a registry that is not on loopback')
    .option('-q, --quiet', 'print nothing but the digest', false)
    .addHelpText('after', PULL_EXAMPLES)
    .action(async (image: string, flags: PullFlags, command: Command) => {
      const { pull } = await import('../actions/pull.ts');
      await pull(command, image, flags);
    });

  program
    .command('images')
    .description('list images')
    .option('-q, --quiet', 'names only', false)
    .addHelpText('after', '\nExamples:\n  stowage images\n  stowage -n k8s.io images   of another namespace')
    .action(async ({ quiet }: { quiet: boolean }, command: Command) => {
      const { listImages } = await import('../actions/list-images.ts');
      await listImages(command, quiet);
    });
}

function parseCount(text: string): number {
  if (!/^[1-9]\d{0,3}$/.test(text)) throw new InvalidArgumentError('expected a whole number from 1 to 9999');
  return Number(text);
}
