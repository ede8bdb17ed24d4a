import { type Command, Option } from 'commander';

export interface InfoFlags {
  readonly format: 'text' | 'json';
}

export function addInfoCommand(program: Command): void {
  program
    .command('info')
    .description('show what the daemon is, what it has, and where')
    .addOption(
      new Option('--format <how>', 'text, or one value in JSON').choices(['text', 'json']).default('text'),
    )
    .addHelpText('after', '\nExamples:\n  stowage info\n  stowage info --format json | jq .containers')
    .action(async (flags: InfoFlags, command: Command) => {
      const { info } = await import('../actions/info.ts');
      await info(command, flags);
    });
}
