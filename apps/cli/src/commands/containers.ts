import type { Command } from 'commander';

export interface ListFlags {
  readonly all: boolean;
  readonly quiet: boolean;
}

export function addContainerCommands(program: Command): void {
  program
    .command('ps')
    .description('list containers that run')
    .option('-a, --all', 'those that don’t run too', false)
    .option('-q, --quiet', 'ids only', false)
    .addHelpText('after', '\nExamples:\n  stowage ps\n  stowage rm -f $(stowage ps -aq)   remove them all')
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
