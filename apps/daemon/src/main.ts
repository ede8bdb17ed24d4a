import './small-heap.ts';
import { Fault, reasonOf } from '@stowage/core';
import { Command, Option } from 'commander';
import type { Logger as Pino } from 'pino';
import { addCheckCommand } from './check/command.ts';
import { addConfigCheckCommand } from './config/check/command.ts';
import { DEFAULTS, LOG_LEVELS } from './config/daemon-config.ts';
import { type Flags, loadConfig } from './config/load.ts';
import { printDefaultConfig } from './config/print.ts';
import { runDaemon } from './daemon.ts';
import { levelSwitch } from './debug/level-switch.ts';
import { EXIT_BUG, exitCodeOf } from './exit-codes.ts';
import { openLog } from './log.ts';
import { builtinPlugins } from './plugins.ts';
import { serviceManager } from './service-manager.ts';
import { VERSION } from './version.ts';

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
  .option('--debug-address <socket>', 'socket to look into the daemon by (default: none)')
  .option(
    '--metrics-address <address>',
    'host:port or socket to serve figures for Prometheus on (default: none)',
  )
  .allowExcessArguments(false)
  .action(serve);

const config = program.command('config').description('show settings');
config
  .command('default')
  .description('print a config file with every setting at its default')
  .action(() => {
    process.stdout.write(printDefaultConfig(builtinPlugins));
  });
addConfigCheckCommand(config, program);

addCheckCommand(program);

async function serve(): Promise<void> {
  const settings = await loadConfig(program.opts<Flags>());
  const log = openLog(settings.logLevel);
  endOnBugs(log);
  const level = levelSwitch(log);
  const manager = serviceManager(process.env, log);
  const stop = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const)
    process.once(name, () => stop.abort(new Fault('canceled', `stopped by ${name}`)));
  process.on('SIGHUP', () =>
    log.info({}, 'SIGHUP ignored: restart to read the config again; containers go on'),
  );
  // Unless it is heard, Node opens its debugger to all users of the machine.
  process.on('SIGUSR1', () => level.toggle());
  const onReady = () => manager.ready(`serving on ${settings.address}`);
  try {
    await runDaemon(settings, { log, level, signal: stop.signal, onReady, onStop: () => manager.stopping() });
  } catch (e) {
    if (e !== stop.signal.reason) throw e;
  }
}

/** What nobody caught leaves the process in a state that nobody thought of. Containers go on without it. */
function endOnBugs(log: Pino): void {
  const end = (err: unknown) => {
    log.fatal({ err }, 'unexpected error; stowaged ends, containers go on');
    process.exit(EXIT_BUG);
  };
  process.on('uncaughtException', end);
  process.on('unhandledRejection', end);
}

try {
  await program.parseAsync();
  process.exit(process.exitCode ?? 0);
} catch (e) {
  const code = exitCodeOf(e);
  const text = code === EXIT_BUG ? ((e as Error | undefined)?.stack ?? reasonOf(e)) : reasonOf(e);
  process.stderr.write(`stowaged: ${text}\n`);
  process.exit(code);
}
