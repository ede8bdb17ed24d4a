import type { Command } from 'commander';
import { gather } from '../gather.ts';
import { type ListFormatFlags, withListOptions } from './format-options.ts';

export interface VerifyFlags {
  readonly allNamespaces: boolean;
  readonly quiet: boolean;
}

export interface ListContentFlags extends ListFormatFlags {
  readonly filter: readonly string[];
}

const EXAMPLES = `
Examples:
  stowage content ls
  stowage content cat sha256:b94d27…
  stowage content verify --all-namespaces

stowage content COMMAND --help shows the options of one command, with examples.`;

const VERIFY_EXAMPLES = `
Examples:
  stowage content verify                    all blobs of this namespace
  stowage content verify sha256:b94d27…     one of them
  stowage content verify --all-namespaces   all there are, each once

It reads every byte and lists what is not whole, with exit code 1 if there is anything. What is found damaged is
served to nobody until it was repaired: pull its image, or write it, again. A daemon that can't verify, such as
containerd, is read through its socket instead, which is slower, and it remembers nothing.`;

const CAT_EXAMPLES = `
Examples:
  stowage content cat sha256:b94d27… | tar tz
  stowage content cat sha256:2cf24d… > config.json

What was written is checked against the digest; exit code 1 means that it is not to be used.`;

export function addContentCommands(program: Command): void {
  const content = program
    .command('content')
    .description('look at blobs, and verify them')
    .addHelpText('after', EXAMPLES);

  withListOptions(content.command('ls'), 'digests')
    .description('list blobs')
    .option(
      '-f, --filter <filter>',
      'those that match, such as labels.foo==bar (repeat it for "or")',
      gather,
      [],
    )
    .addHelpText(
      'after',
      '\nExamples:\n  stowage content ls\n  stowage content ls -q -f \'labels."containerd.io/gc.root"\'',
    )
    .action(async (flags: ListContentFlags, command: Command) => {
      const { listContent } = await import('../actions/content.ts');
      await listContent(command, flags);
    });

  content
    .command('cat <digest>')
    .description('write a blob to standard output')
    .addHelpText('after', CAT_EXAMPLES)
    .action(async (digest: string, _: object, command: Command) => {
      const { catContent } = await import('../actions/content.ts');
      await catContent(command, digest);
    });

  content
    .command('info <digest>')
    .description('show what is known of a blob, as JSON')
    .addHelpText('after', '\nExamples:\n  stowage content info sha256:b94d27…')
    .action(async (digest: string, _: object, command: Command) => {
      const { showContent } = await import('../actions/content.ts');
      await showContent(command, digest);
    });

  content
    .command('rm <digest...>')
    .description('remove blobs from this namespace')
    .addHelpText('after', '\nExamples:\n  stowage content rm sha256:b94d27…')
    .action(async (digests: string[], _: object, command: Command) => {
      const { removeContent } = await import('../actions/content.ts');
      process.exitCode = await removeContent(command, digests);
    });

  content
    .command('verify [digest...]')
    .description('read blobs again, to see whether the disk kept them')
    .option('-A, --all-namespaces', 'of all namespaces', false)
    .option('-q, --quiet', 'no progress', false)
    .addHelpText('after', VERIFY_EXAMPLES)
    .action(async (digests: string[], flags: VerifyFlags, command: Command) => {
      const { verifyContent } = await import('../actions/verify-content.ts');
      process.exitCode = await verifyContent(command, digests, flags);
    });
}
