import type { Command } from 'commander';
import { withFormatOption } from './format-options.ts';
import type { MeasureFlags } from './gc.ts';

export interface DfFlags extends MeasureFlags {
  readonly verbose: boolean;
  readonly format: string;
}

const EXAMPLES = `
Examples:
  stowage df                    what this namespace takes
  stowage df --all-namespaces   what all take; what they share is counted once
  stowage df -v                 each image, container, lease and snapshot
  stowage df --format '{{.Type}} {{.Reclaimable}}'

Of images, containers, sandboxes and leases SIZE is all that they keep; UNIQUE is what goes when they are removed, SHARED
the rest; RECLAIMABLE is what goes with images that no container was made from. Of snapshots, content and the total SIZE
is their own; UNIQUE is kept by just one image, container or lease, SHARED by several, RECLAIMABLE by none: it goes at
the next run. Of namespaces UNIQUE is what no other has. A "+" says that not all was measured: see --active.`;

export function addDfCommand(program: Command): void {
  withFormatOption(program.command('df'))
    .description('show what takes how much of the disk')
    .option('-A, --all-namespaces', 'in all namespaces', false)
    .option('-v, --verbose', 'one by one', false)
    .option('--active', 'measure what containers write to as well, by walking it', false)
    .option('--json', 'the same as --format json', false)
    .addHelpText('after', EXAMPLES)
    .action(async (flags: DfFlags, command: Command) => {
      const { df } = await import('../actions/df.ts');
      await df(command, flags);
    });
}
