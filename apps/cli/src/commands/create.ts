import type { Command } from 'commander';
import { withContainerOptions } from './container-options.ts';
import type { RunFlags } from './run-flags.ts';

const EXAMPLES = `
Examples:
  stowage create --name web --net host nginx; stowage start web
  stowage create --name once busybox echo hello; stowage start -a once

It prints the container's id. The options are those of stowage run, whose help tells of them.`;

export function addCreateCommand(program: Command): void {
  const command = program
    .command('create <image> [command...]')
    .description('make a container, to be started later')
    .passThroughOptions();
  withContainerOptions(command)
    .addHelpText('after', EXAMPLES)
    .action(async (image: string, args: string[], flags: RunFlags, command: Command) => {
      const { create } = await import('../actions/create.ts');
      await create(command, image, args, flags);
    });
}
