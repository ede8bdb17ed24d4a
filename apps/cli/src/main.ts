import { Command } from 'commander';
import manifest from '../package.json' with { type: 'json' };
import { addContainerCommands } from './commands/containers.ts';
import { addImageCommands } from './commands/images.ts';
import { addRunCommand } from './commands/run.ts';
import { withGlobalOptions } from './connection.ts';
import { report } from './failure.ts';

const program = withGlobalOptions(new Command('stowage'))
  .description('Images and containers, for people. Talks to stowaged or containerd.')
  .version(manifest.version, '-v, --version')
  .enablePositionalOptions()
  .showHelpAfterError('(stowage --help shows what there is)');

addRunCommand(program);
addImageCommands(program);
addContainerCommands(program);

try {
  await program.parseAsync();
} catch (e) {
  process.exitCode = report(e);
}
