import type { Command } from 'commander';
import { withFormatOption } from './format-options.ts';

export interface InfoFlags {
  readonly format: string;
}

const EXAMPLES = `
Examples:
  stowage info
  stowage info --format json | jq .containers
  stowage info --format '{{.Containers.Running}} of {{.Containers.All}} run'`;

export function addInfoCommand(program: Command): void {
  withFormatOption(program.command('info'), 'text')
    .description('show what the daemon is, what it has, and where')
    .addHelpText('after', EXAMPLES)
    .action(async (flags: InfoFlags, command: Command) => {
      const { info } = await import('../actions/info.ts');
      await info(command, flags);
    });
}
