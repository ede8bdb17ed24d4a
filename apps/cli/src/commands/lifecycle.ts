import type { Command } from 'commander';
import { detachKeysOption } from './container-options.ts';
import { exitAsTool } from './run.ts';
import { parseWhole } from './run-values.ts';

export interface StartFlags {
  readonly attach: boolean;
  readonly interactive: boolean;
  readonly detachKeys: string;
}

export interface StopFlags {
  readonly time?: number;
  readonly signal?: string;
}

const START_EXAMPLES = `
Examples:
  stowage start web
  stowage start -a once         see what it prints, and end with its exit code
  stowage start -ai shell       with this terminal, if it was made with -it

Without -a what it prints goes to its log.`;

const STOP_EXAMPLES = `
Examples:
  stowage stop web
  stowage stop -t 60 db cache
  stowage stop -s INT web

It asks with --stop-signal of the container, its image's, or TERM, and kills what has not ended after 10 seconds, or
--stop-timeout of the container. -t -1 waits for ever. The container stays: start it again, or remove it.`;

export function addLifecycleCommands(program: Command): void {
  program
    .command('start <container...>')
    .description('start containers that do not run')
    .exitOverride(exitAsTool)
    .option('-a, --attach', 'stay with it, and end with its exit code', false)
    .option('-i, --interactive', 'stay with it, and hand on standard input', false)
    .addOption(detachKeysOption())
    .addHelpText('after', START_EXAMPLES)
    .action(async (ids: string[], flags: StartFlags, command: Command) => {
      const { start } = await import('../actions/start.ts');
      process.exitCode = await start(command, ids, flags);
    });

  withStopOptions(program.command('stop <container...>'))
    .description('end containers, by force if they do not heed')
    .addHelpText('after', STOP_EXAMPLES)
    .action(async (ids: string[], flags: StopFlags, command: Command) => {
      const { stop } = await import('../actions/stop.ts');
      process.exitCode = await stop(command, ids, flags);
    });

  withStopOptions(program.command('restart <container...>'))
    .description('stop containers, and start them again')
    .addHelpText('after', '\nExamples:\n  stowage restart web\n  stowage restart -t 0 web   kill it first')
    .action(async (ids: string[], flags: StopFlags, command: Command) => {
      const { restart } = await import('../actions/restart.ts');
      process.exitCode = await restart(command, ids, flags);
    });

  program
    .command('kill <container...>')
    .description('send containers a signal')
    .option('-s, --signal <signal>', 'which, such as HUP, SIGHUP or 1', 'KILL')
    .addHelpText(
      'after',
      '\nExamples:\n  stowage kill web\n  stowage kill -s HUP web   have it read its config again',
    )
    .action(async (ids: string[], { signal }: { signal: string }, command: Command) => {
      const { kill } = await import('../actions/kill.ts');
      process.exitCode = await kill(command, ids, signal);
    });

  program
    .command('pause <container...>')
    .description('hold all processes of containers')
    .addHelpText('after', '\nExamples:\n  stowage pause web; stowage unpause web')
    .action(async (ids: string[], _: object, command: Command) => {
      const { pause } = await import('../actions/pause.ts');
      process.exitCode = await pause(command, ids);
    });

  program
    .command('unpause <container...>')
    .description('let them go on')
    .addHelpText('after', '\nExamples:\n  stowage unpause web')
    .action(async (ids: string[], _: object, command: Command) => {
      const { unpause } = await import('../actions/pause.ts');
      process.exitCode = await unpause(command, ids);
    });

  program
    .command('wait <container...>')
    .description('wait until containers have ended, and print their exit codes')
    .addHelpText('after', '\nExamples:\n  stowage wait web')
    .action(async (ids: string[], _: object, command: Command) => {
      const { wait } = await import('../actions/wait.ts');
      process.exitCode = await wait(command, ids);
    });
}

function withStopOptions(command: Command): Command {
  return command
    .option('-t, --time <seconds>', 'how long to wait before it is killed', parseWhole)
    .option('-s, --signal <signal>', 'how to ask it, such as INT');
}
