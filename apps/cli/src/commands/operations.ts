import type { Command } from 'commander';
import { gather } from '../gather.ts';
import { type ListFormatFlags, withListOptions } from './format-options.ts';

export interface ListOperationsFlags extends ListFormatFlags {
  readonly all: boolean;
  readonly allNamespaces: boolean;
  readonly filter: readonly string[];
  readonly json: boolean;
}

export type WatchFlags = Pick<ListOperationsFlags, 'allNamespaces' | 'filter' | 'json'>;

const EXAMPLES = `
Examples:
  stowage operations ls
  stowage ops watch
  stowage ops cancel 3f2a81c09b7e

Pulls, pushes, imports, exports and unpackings, whether the daemon does them or a client; and the daemon's garbage
collections. stowage operations COMMAND --help shows the options of one command, with examples.`;

const LIST_EXAMPLES = `
Examples:
  stowage operations ls                   what is under way
  stowage operations ls -a                what has ended, too
  stowage operations ls -a -f state==failed
  stowage operations ls --all-namespaces --json | jq .subject

Fields of filters: id, kind, namespace, subject, state (running, done, failed, canceled), started_by. The last 200 that
ended are known, until the daemon ends. PARTS are layers, other blobs and archives; PROGRESS is of what is done to them
now. Garbage collections are of all namespaces.`;

const WATCH_EXAMPLES = `
Examples:
  stowage operations watch                until Ctrl-C
  stowage operations watch 3f2a81c09b7e   until it ends; exit code 1 unless it ends well
  stowage operations watch -f kind==pull --json | jq .operation.parts

With --json each line has the position of the change; "gap" says that changes are lost, and all there is follows.`;

const CANCEL_EXAMPLES = `
Examples:
  stowage operations cancel 3f2a81c09b7e
  stowage operations cancel $(stowage operations ls -q -f kind==pull)

Whoever does it is asked to end it, and undoes what was begun. Garbage collections can't be canceled.`;

const NAMESPACES = ['-A, --all-namespaces', 'of all namespaces', false] as const;
const FILTER = [
  '-f, --filter <filter>',
  'those that match, such as kind==pull (repeat it for "or")',
  gather,
  [],
] as const;
const JSON_LINES = ['--json', 'a JSON value on each line', false] as const;

export function addOperationCommands(program: Command): void {
  const operations = program
    .command('operations')
    .alias('ops')
    .description('see what is going on, and end it')
    .addHelpText('after', EXAMPLES);

  withListOptions(operations.command('ls'), 'ids')
    .description('list operations')
    .option('-a, --all', 'those that have ended, too', false)
    .option(...NAMESPACES)
    .option(...FILTER)
    .option(...JSON_LINES)
    .addHelpText('after', LIST_EXAMPLES)
    .action(async (flags: ListOperationsFlags, command: Command) => {
      const { listOperations } = await import('../actions/operations/list.ts');
      await listOperations(command, flags);
    });

  operations
    .command('watch [id]')
    .description('show operations as they go on')
    .option(...NAMESPACES)
    .option(...FILTER)
    .option(...JSON_LINES)
    .addHelpText('after', WATCH_EXAMPLES)
    .action(async (id: string | undefined, flags: WatchFlags, command: Command) => {
      const { watchOperations } = await import('../actions/operations/watch.ts');
      process.exitCode = await watchOperations(command, id, flags);
    });

  operations
    .command('cancel <id...>')
    .description('end operations, whoever began them')
    .option(...NAMESPACES)
    .addHelpText('after', CANCEL_EXAMPLES)
    .action(async (ids: string[], flags: Pick<WatchFlags, 'allNamespaces'>, command: Command) => {
      const { cancelOperations } = await import('../actions/operations/cancel.ts');
      process.exitCode = await cancelOperations(command, ids, flags);
    });
}
