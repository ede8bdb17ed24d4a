import { Command } from 'commander';
import manifest from '../package.json' with { type: 'json' };
import { addArchiveCommands } from './commands/archives.ts';
import { addContainerCommands } from './commands/containers.ts';
import { addContentCommands } from './commands/content.ts';
import { addCreateCommand } from './commands/create.ts';
import { addDfCommand } from './commands/df.ts';
import { addEventsCommand } from './commands/events.ts';
import { addExecCommand } from './commands/exec.ts';
import { addFileCommands } from './commands/files.ts';
import { addGcCommands } from './commands/gc.ts';
import { addImageCommands } from './commands/images.ts';
import { addInfoCommand } from './commands/info.ts';
import { addInspectCommand } from './commands/inspect.ts';
import { addInstallShimCommand } from './commands/install-shim.ts';
import { addLeaseCommands } from './commands/leases.ts';
import { addLifecycleCommands } from './commands/lifecycle.ts';
import { addLogCommands } from './commands/logs.ts';
import { addMigrateCommand } from './commands/migrate.ts';
import { addNamespaceCommands } from './commands/namespaces.ts';
import { addOperationCommands } from './commands/operations.ts';
import { addPluginCommands } from './commands/plugins.ts';
import { addPruneCommands } from './commands/prune.ts';
import { addRegistryCommands } from './commands/registries.ts';
import { addRunCommand } from './commands/run.ts';
import { addSnapshotCommands } from './commands/snapshots.ts';
import { addStatsCommands } from './commands/stats.ts';
import { addVersionCommand } from './commands/version.ts';
import { report } from './failure.ts';
import { withGlobalOptions } from './global-options.ts';

const program = withGlobalOptions(new Command('stowage'))
  .description('Images and containers, for people. Talks to stowaged or containerd.')
  .version(manifest.version, '-v, --version')
  .enablePositionalOptions()
  .showHelpAfterError('(stowage --help shows what there is)')
  .addHelpText(
    'after',
    `
Examples:
  stowage pull busybox
  stowage run --rm busybox echo hello
  stowage run -it --rm busybox sh
  stowage ps -a

stowage COMMAND --help shows the options of one command, with examples.`,
  );

addRunCommand(program);
addCreateCommand(program);
addLifecycleCommands(program);
addExecCommand(program);
addLogCommands(program);
addStatsCommands(program);
addFileCommands(program);
addContainerCommands(program);
addImageCommands(program);
addRegistryCommands(program);
addArchiveCommands(program);
addInspectCommand(program);
addContentCommands(program);
addDfCommand(program);
addPruneCommands(program);
addGcCommands(program);
addNamespaceCommands(program);
addSnapshotCommands(program);
addLeaseCommands(program);
addInfoCommand(program);
addOperationCommands(program);
addEventsCommand(program);
addPluginCommands(program);
addMigrateCommand(program);
addInstallShimCommand(program);
addVersionCommand(program, manifest.version);

// Who reads our output may leave before we are done, as "head" does.
process.stdout.on('error', (e: NodeJS.ErrnoException) => {
  if (e.code !== 'EPIPE') throw e;
});

try {
  await program.parseAsync();
} catch (e) {
  process.exitCode = report(e);
}
