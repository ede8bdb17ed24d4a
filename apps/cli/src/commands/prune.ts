import type { Command } from 'commander';

export interface PruneFlags {
  readonly force: boolean;
  readonly all: boolean;
}

const CONTAINER = `
Examples:
  stowage container prune
  stowage container prune -f`;

const IMAGE = `
Examples:
  stowage image prune           those without a name of their own
  stowage image prune -a -f     all that no container was made from`;

const SYSTEM = `
Examples:
  stowage system prune
  stowage system prune -a -f

Of this namespace: containers that do not run, images that are not used, and what the collection that follows finds.`;

/** On a terminal they ask first. */
export function addPruneCommands(program: Command): void {
  groupOf(program, 'container', 'remove containers that do not run', CONTAINER)
    .command('prune')
    .description('remove all containers that do not run')
    .option('-f, --force', 'do not ask', false)
    .addHelpText('after', CONTAINER)
    .action(async (flags: PruneFlags, command: Command) => {
      const { pruneContainers } = await import('../actions/prune/containers.ts');
      await pruneContainers(command, flags);
    });

  groupOf(program, 'image', 'remove images that are not used', IMAGE)
    .command('prune')
    .description('remove images that have no name, or with -a all that no container was made from')
    .option('-a, --all', 'those that have a name too', false)
    .option('-f, --force', 'do not ask', false)
    .addHelpText('after', IMAGE)
    .action(async (flags: PruneFlags, command: Command) => {
      const { pruneImages } = await import('../actions/prune/images.ts');
      await pruneImages(command, flags);
    });

  groupOf(program, 'system', 'remove what is not used', SYSTEM)
    .command('prune')
    .description('remove containers that do not run, and images that are not used')
    .option('-a, --all', 'images that have a name too', false)
    .option('-f, --force', 'do not ask', false)
    .addHelpText('after', SYSTEM)
    .action(async (flags: PruneFlags, command: Command) => {
      const { pruneSystem } = await import('../actions/prune/system.ts');
      await pruneSystem(command, flags);
    });
}

/** A group that others may have made already. */
function groupOf(program: Command, name: string, description: string, examples: string): Command {
  const there = program.commands.find((command) => command.name() === name);
  return there ?? program.command(name).description(description).addHelpText('after', examples);
}
