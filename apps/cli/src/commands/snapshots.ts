import type { Command } from 'commander';
import { type ListFormatFlags, withListOptions } from './format-options.ts';

export interface SnapshotFlags {
  readonly snapshotter: string;
}

export type ListSnapshotsFlags = SnapshotFlags & ListFormatFlags;

const EXAMPLES = `
Examples:
  stowage snapshot ls
  stowage snapshot tree
  stowage snapshot usage
  stowage snapshot --snapshotter native rm old

Committed snapshots are layers of images; an active one is what a container writes to. See also stowage df -v.`;

export function addSnapshotCommands(program: Command): void {
  const snapshot = program
    .command('snapshot')
    .description('look at snapshots, and remove them')
    .option('--snapshotter <name>', 'of which snapshotter', 'overlayfs')
    .addHelpText('after', EXAMPLES);
  const flagsOf = (command: Command) => command.optsWithGlobals<SnapshotFlags>();

  withListOptions(snapshot.command('ls'), 'keys')
    .description('list snapshots')
    .addHelpText('after', '\nExamples:\n  stowage snapshot ls')
    .action(async (_: object, command: Command) => {
      const { listSnapshots } = await import('../actions/snapshots.ts');
      await listSnapshots(command, command.optsWithGlobals<ListSnapshotsFlags>());
    });

  snapshot
    .command('tree')
    .description('draw which snapshot is made on which')
    .addHelpText('after', '\nExamples:\n  stowage snapshot tree')
    .action(async (_: object, command: Command) => {
      const { drawSnapshots } = await import('../actions/snapshot-tree.ts');
      await drawSnapshots(command, flagsOf(command));
    });

  snapshot
    .command('usage [key...]')
    .description('show what snapshots take, without those that they are made on')
    .addHelpText('after', '\nExamples:\n  stowage snapshot usage\n  stowage snapshot usage web')
    .action(async (keys: string[], _: object, command: Command) => {
      const { showUsage } = await import('../actions/snapshots.ts');
      process.exitCode = await showUsage(command, keys, flagsOf(command));
    });

  snapshot
    .command('rm <key...>')
    .description('remove snapshots that no other is made on')
    .addHelpText('after', '\nExamples:\n  stowage snapshot rm old')
    .action(async (keys: string[], _: object, command: Command) => {
      const { removeSnapshots } = await import('../actions/snapshots.ts');
      process.exitCode = await removeSnapshots(command, keys, flagsOf(command));
    });
}
