import { type Command, InvalidArgumentError } from 'commander';
import { type ListFormatFlags, withListOptions } from './format-options.ts';

export interface CreateLeaseFlags {
  readonly id?: string;
  readonly expires?: number;
}

const EXAMPLES = `
Examples:
  stowage lease ls
  stowage lease create --id build --expires 2h
  stowage lease rm build

A lease keeps what was made under it, or added to it, from being collected. See also stowage gc explain lease:ID.`;

export function addLeaseCommands(program: Command): void {
  const lease = program
    .command('lease')
    .description('list, make and remove leases')
    .addHelpText('after', EXAMPLES);

  withListOptions(lease.command('ls'), 'ids')
    .description('list leases')
    .addHelpText('after', '\nExamples:\n  stowage lease ls')
    .action(async (flags: ListFormatFlags, command: Command) => {
      const { listLeases } = await import('../actions/leases.ts');
      await listLeases(command, flags);
    });

  lease
    .command('create [label...]')
    .description('make a lease, and print its id')
    .option('--id <id>', 'its id (default: a random one)')
    .option('-x, --expires <time>', 'after which it goes, such as 24h (default: never)', parseDuration)
    .addHelpText('after', '\nExamples:\n  stowage lease create --expires 2h')
    .action(async (labels: string[], flags: CreateLeaseFlags, command: Command) => {
      const { createLease } = await import('../actions/leases.ts');
      await createLease(command, labels, flags);
    });

  lease
    .command('rm <id...>')
    .description('remove leases; what nothing else keeps is collected')
    .option('--sync', 'wait until it was', false)
    .addHelpText('after', '\nExamples:\n  stowage lease rm --sync build')
    .action(async (ids: string[], { sync }: { sync: boolean }, command: Command) => {
      const { removeLeases } = await import('../actions/leases.ts');
      process.exitCode = await removeLeases(command, ids, sync);
    });
}

const UNITS_MS = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

function parseDuration(text: string): number {
  const [, count, unit] = /^(\d{1,6})([smhd])$/.exec(text) ?? [];
  if (count === undefined) throw new InvalidArgumentError('expected a time such as 30m, 24h or 7d');
  return Number(count) * UNITS_MS[unit as keyof typeof UNITS_MS];
}
