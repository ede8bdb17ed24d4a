import type { Command } from 'commander';
import { type ListFormatFlags, withListOptions } from './format-options.ts';

export interface ListFlags extends ListFormatFlags {
  readonly all: boolean;
}

const PS_EXAMPLES = `
Examples:
  stowage ps
  stowage ps --format 'table {{.ID}}\\t{{.Status}}'
  stowage ps -a --format json | jq .exitStatus
  stowage rm -f $(stowage ps -aq)   remove them all`;

export function addContainerCommands(program: Command): void {
  withListOptions(program.command('ps'), 'ids')
    .description('list containers that run')
    .option('-a, --all', 'those that don’t run too', false)
    .addHelpText('after', PS_EXAMPLES)
    .action(async (flags: ListFlags, command: Command) => {
      const { listContainers } = await import('../actions/list-containers.ts');
      await listContainers(command, flags);
    });

  program
    .command('rm <container...>')
    .description('remove containers')
    .option('-f, --force', 'kill those that run', false)
    .addHelpText('after', '\nExamples:\n  stowage rm web\n  stowage rm -f web db   even if they run')
    .action(async (ids: string[], { force }: { force: boolean }, command: Command) => {
      const { removeContainers } = await import('../actions/remove-containers.ts');
      process.exitCode = await removeContainers(command, ids, force);
    });
}
