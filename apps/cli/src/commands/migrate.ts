import type { Command } from 'commander';

export interface MigrateFlags {
  readonly from: string;
  readonly only?: readonly string[];
  readonly containers: boolean;
  readonly dryRun: boolean;
}

const HELP = `
Examples:
  stowage migrate --from /run/containerd/containerd.sock

What is here already stays as it is, so that the same command goes on with what failed or broke off. Nothing is changed at
the other daemon. Running processes are not copied: stop containers there first, or their files come over as they are at
that moment; stowage start starts them here.`;

export function addMigrateCommand(program: Command): void {
  program
    .command('migrate')
    .description('copy namespaces, images and containers from another daemon')
    .requiredOption('--from <socket>', 'that of the other, as containerd')
    .option('--only <namespace...>', 'these; all that there are, unless it is said')
    .option('--no-containers', 'images and content alone')
    .option('--dry-run', 'tell what would be copied', false)
    .addHelpText('after', HELP)
    .action(async (flags: MigrateFlags, command: Command) => {
      const { migrateHere } = await import('../actions/migrate.ts');
      process.exitCode = await migrateHere(command, flags);
    });
}
