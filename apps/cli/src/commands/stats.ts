import type { Command } from 'commander';
import { withFormatOption } from './format-options.ts';

export interface StatsFlags {
  readonly stream: boolean;
  readonly format: string;
}

const STATS_EXAMPLES = `
Examples:
  stowage stats                      all that run, until Ctrl-C
  stowage stats --no-stream web
  stowage stats --no-stream --format json | jq .memoryBytes
  stowage stats --format 'table {{.ID}}\\t{{.CPUPerc}}\\t{{.MemUsage}}'

CPU % is of one processor: 200% are two. Memory is counted without files that can be dropped from it at once, and network
where the container has one of its own.`;

export function addStatsCommands(program: Command): void {
  program
    .command('top <container>')
    .description('list the processes of a container')
    .addHelpText('after', '\nExamples:\n  stowage top web\n\nThe ids are those of the daemon’s machine.')
    .action(async (id: string, _: object, command: Command) => {
      const { top } = await import('../actions/top.ts');
      await top(command, id);
    });

  withFormatOption(program.command('stats [container...]'))
    .description('show what containers use of the machine')
    .option('--no-stream', 'once, and no more')
    .addHelpText('after', STATS_EXAMPLES)
    .action(async (ids: string[], flags: StatsFlags, command: Command) => {
      const { stats } = await import('../actions/stats.ts');
      await stats(command, ids, flags);
    });
}
