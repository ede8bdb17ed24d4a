import { type Command, InvalidArgumentError, Option } from 'commander';
import { gather } from '../gather.ts';
import { defineImageList } from './image-list.ts';
import type { InspectFlags } from './inspect.ts';
import { type ProgressFlags, withProgressOptions } from './registry-options.ts';

export interface ConvertFlags extends ProgressFlags {
  readonly compress?: 'gzip' | 'zstd' | 'none';
  readonly level?: number;
  readonly oci?: boolean;
  readonly platform: readonly string[];
  readonly allPlatforms: boolean;
}

export interface LookFlags {
  readonly json: boolean;
}

const EXAMPLES = `
Examples:
  stowage image ls
  stowage image check
  stowage image convert --compress zstd busybox busybox:zstd
  stowage image inspect busybox

stowage image COMMAND --help shows the options of one command, with examples.`;

const CONVERT_EXAMPLES = `
Examples:
  stowage image convert --compress zstd busybox ghcr.io/me/busybox:zstd
  stowage image convert --compress none busybox busybox   no longer packed; the name moves
  stowage image convert --oci busybox busybox:oci         media types of OCI in place of Docker's
  stowage image convert --platform linux/arm64 alpine alpine:arm64

It prints the new image's digest. What it unpacks to stays the same, and so do layers that are packed so already. Of an image
that was pulled for one platform that one is converted. Ctrl-C leaves nothing behind.`;

const CHECK_EXAMPLES = `
Examples:
  stowage image check
  stowage image check busybox alpine
  stowage image check --json | jq -r 'select(.state != "complete").missing[].digest'

It tells of each platform whether its manifest, config and layers are all here, and where it is unpacked. What is missing
comes with a pull. The exit code is 1 if there is an image of which no platform is whole.`;

const USAGE_EXAMPLES = `
Examples:
  stowage image usage
  stowage image usage busybox

Of what is shared, another image has the same; the rest goes with the image, unless something else holds it: see
stowage gc freed-by.`;

/** The group `image`, for what is done to images besides getting, running and removing them. */
export function addImageGroup(program: Command): void {
  const image = program
    .command('image')
    .description('convert images, and see what there is of them')
    .addHelpText('after', EXAMPLES);

  defineImageList(image.command('ls'));

  withProgressOptions(image.command('convert <image> <name>'))
    .description('make another form of an image, under another name or the same')
    .addOption(new Option('--compress <how>', 'pack layers so').choices(['gzip', 'zstd', 'none']))
    .option('--level <n>', 'how hard to pack: 0 to 9 of gzip, 1 to 22 of zstd (default: 6 and 3)', parseLevel)
    .option('--oci', "media types of OCI in place of Docker's; with zstd always")
    .option('--platform <os/arch>', 'this platform only (repeat it for more)', gather, [])
    .option('--all-platforms', 'all; fails if one is not here', false)
    .addHelpText('after', CONVERT_EXAMPLES)
    .action(async (source: string, name: string, flags: ConvertFlags, command: Command) => {
      const { convert } = await import('../actions/convert-image.ts');
      await convert(command, source, name, flags);
    });

  image
    .command('check [image...]')
    .description('see whether all of an image is here, and where it is unpacked')
    .option('--json', 'a line of JSON for each platform', false)
    .addHelpText('after', CHECK_EXAMPLES)
    .action(async (names: string[], flags: LookFlags, command: Command) => {
      const { checkImages } = await import('../actions/check-images.ts');
      process.exitCode = await checkImages(command, names, flags);
    });

  image
    .command('usage [image...]')
    .description('see what images take, and what they share')
    .option('--json', 'a line of JSON for each image', false)
    .addHelpText('after', USAGE_EXAMPLES)
    .action(async (names: string[], flags: LookFlags, command: Command) => {
      const { imageUsage } = await import('../actions/image-usage.ts');
      await imageUsage(command, names, flags);
    });

  image
    .command('inspect <image...>')
    .description('show all that is known of images, as JSON')
    .option('--platform <os/arch>', 'for which platform')
    .option('-f, --format <how>', "json for a line of each, or a template such as '{{.Config.Cmd}}'")
    .addHelpText(
      'after',
      '\nExamples:\n  stowage image inspect busybox\n\nAs stowage inspect --type image does.',
    )
    .action(async (names: string[], flags: Omit<InspectFlags, 'type'>, command: Command) => {
      const { inspect } = await import('../actions/inspect.ts');
      process.exitCode = await inspect(command, names, { ...flags, type: 'image' });
    });
}

function parseLevel(text: string): number {
  if (!/^\d{1,2}$/.test(text)) throw new InvalidArgumentError('expected a whole number from 0 to 22');
  return Number(text);
}
