import { Fault, reasonOf } from '@stowage/core';
import { Command, Option } from 'commander';
import { DEFAULTS, LOG_LEVELS } from './config/daemon-config.ts';
import { type Flags, loadConfig } from './config/load.ts';
import { printDefaultConfig } from './config/print.ts';
import { runDaemon, selectPlugins } from './daemon.ts';
import { openLog } from './log.ts';
import { builtinPlugins } from './plugins.ts';
import { VERSION } from './version.ts';

/** sysexits.h EX_CONFIG: a service manager need not try again. */
const EXIT_CONFIG = 78;

const program = new Command('stowaged')
  .description('Serves containerd’s API: content, snapshots, images, containers, tasks.')
  .version(VERSION, '-v, --version')
  .option('-c, --config <file>', `config file (default ${DEFAULTS.config}, if it is there)`)
  .option('--root <dir>', `what lasts: content, snapshots, metadata (default ${DEFAULTS.root})`)
  .option('--state <dir>', `what goes at reboot: sockets, tasks (default ${DEFAULTS.state})`)
  .option(
    '-a, --address <socket>',
    'socket to serve on (default <state>/stowage.sock); ttrpc on <socket>.ttrpc',
  )
  .addOption(new Option('-l, --log-level <level>', 'how much to say').choices([...LOG_LEVELS]))
  .allowExcessArguments(false)
  .action(serve);

const config = program.command('config').description('show settings');
config
  .command('default')
  .description('print a config file with every setting at its default')
  .action(() => {
    process.stdout.write(printDefaultConfig(builtinPlugins));
  });
config
  .command('check')
  .description('read the config file and say what is wrong with it')
  .action(async () => {
    const checked = await loadConfig(program.opts<Flags>());
    for (const plugin of await selectPlugins(checked))
      plugin.config?.(checked.plugins[`${plugin.slot.type}.${plugin.id}`] ?? {});
    for (const warning of checked.warnings) process.stderr.write(`warning: ${warning}\n`);
    process.stdout.write('the config is good\n');
  });

async function serve(): Promise<void> {
  const settings = await loadConfig(program.opts<Flags>());
  const log = openLog(settings.logLevel);
  const stop = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => stop.abort(name));
  await runDaemon(settings, { log, signal: stop.signal });
}

try {
  await program.parseAsync();
  process.exit(0);
} catch (e) {
  if (!Fault.is(e)) throw e;
  process.stderr.write(`stowaged: ${reasonOf(e)}\n`);
  process.exit(e.kind === 'invalid_argument' || e.kind === 'not_found' ? EXIT_CONFIG : 1);
}
