import type { Command } from 'commander';
import { gather } from '../gather.ts';
import { type ListFormatFlags, withListOptions } from './format-options.ts';

export interface ListPluginsFlags extends ListFormatFlags {
  readonly proxies: boolean;
  readonly json: boolean;
}

export interface AddPluginFlags {
  readonly type: string;
  readonly address: string;
  readonly platform?: string;
  readonly capability: readonly string[];
  readonly export: readonly string[];
}

const EXAMPLES = `
Examples:
  stowage plugins ls --proxies
  stowage plugins add mine --address /run/mine.sock
  stowage plugins rm mine

stowage plugins COMMAND --help shows the options of one command, with examples.`;

const LIST_EXAMPLES = `
Examples:
  stowage plugins ls
  stowage plugins ls --proxies
  stowage plugins ls --json | jq 'select(.state != "ok")'

FROM tells where the services of other processes are from: the daemon's config file, or "added" by stowage plugins add.
One that is "left out" was added, and the daemon was started with a config that it does not go with: PROBLEM tells.`;

const ADD_EXAMPLES = `
Examples:
  stowage plugins add mine --address /run/mine.sock
  stowage plugins add stargz --address /run/containerd-stargz-grpc/containerd-stargz-grpc.sock \\
    --export root=/var/lib/containerd-stargz-grpc --export enable_remote_snapshot_annotations=true
  stowage plugins add arm --address /run/arm.sock --platform linux/arm64 --capability rebase

The process must be there: the daemon asks it first. Then clients can use it by its name at once, as in
  stowage pull alpine; ctr run --snapshotter mine --rm docker.io/library/alpine:latest demo echo hello
It stays when the daemon or its own process is started again. It must be of no other daemon: this one deletes what is in
it and is not of its own. Types content and diff are taken at the daemon's start only: put those into its config file.`;

const REMOVE_EXAMPLES = `
Examples:
  stowage plugins rm mine

Only those that were added; what is in the daemon's config file is removed there. It is refused while there are
snapshots or containers of it, in whatever namespace: stowage df -v lists them.`;

export function addPluginCommands(program: Command): void {
  const plugins = program
    .command('plugins')
    .description('see what the daemon is made of, and add snapshotters of other processes')
    .addHelpText('after', EXAMPLES);

  withListOptions(plugins.command('ls'), 'types and names')
    .description('list plugins')
    .option('-p, --proxies', 'only the services of other processes', false)
    .option('--json', 'the same as --format json', false)
    .addHelpText('after', LIST_EXAMPLES)
    .action(async (flags: ListPluginsFlags, command: Command) => {
      const { listPlugins } = await import('../actions/plugins/list.ts');
      await listPlugins(command, flags);
    });

  plugins
    .command('add <name>')
    .description('add a service of another process to the running daemon')
    .requiredOption('--address <socket>', 'unix socket of the process')
    .option('--type <type>', 'what it is', 'snapshot')
    .option('--platform <platform>', 'what it is for, such as linux/arm64, if it is not the daemon’s own')
    .option(
      '--capability <word>',
      'something that clients are told it can do (repeat it for more)',
      gather,
      [],
    )
    .option('--export <key=value>', 'something that clients are told of it (repeat it for more)', gather, [])
    .addHelpText('after', ADD_EXAMPLES)
    .action(async (name: string, flags: AddPluginFlags, command: Command) => {
      const { addPlugin } = await import('../actions/plugins/add.ts');
      await addPlugin(command, name, flags);
    });

  plugins
    .command('rm <name...>')
    .description('remove those that were added')
    .addHelpText('after', REMOVE_EXAMPLES)
    .action(async (names: string[], _: object, command: Command) => {
      const { removePlugins } = await import('../actions/plugins/remove.ts');
      process.exitCode = await removePlugins(command, names);
    });
}
