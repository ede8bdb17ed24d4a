import { type Command, InvalidArgumentError } from 'commander';
import { detachKeysOption } from './container-options.ts';
import { exitAsTool } from './run.ts';

export interface LogsFlags {
  readonly follow: boolean;
  readonly since?: string;
  readonly until?: string;
  readonly tail?: number;
  readonly timestamps: boolean;
}

export interface AttachFlags {
  readonly detachKeys: string;
  readonly stdin: boolean;
  readonly sigProxy: boolean;
}

const LOGS_EXAMPLES = `
Examples:
  stowage logs web
  stowage logs -f --tail 20 web
  stowage logs -t --since 10m web          of the last ten minutes, with times
  stowage logs --since 2026-01-02T03:04:05Z --until 2026-01-02T04:00:00Z web

Of containers that were started by stowage run -d, or stowage start. With -f it ends when the container does. A log is
bounded: see --log-opt of stowage run.`;

const ATTACH_EXAMPLES = `
Examples:
  stowage attach web
  stowage attach --no-stdin web
  stowage attach --detach-keys ctrl-a,d shell

It shows what comes from now on, and ends with the container's exit code; of a terminal, ctrl-p ctrl-q lets go. Signals
are handed on, unless --sig-proxy=false: without a terminal, Ctrl-C then only leaves. One at a time can see what does not
go to a log: containers of stowage run without -d.`;

export function addLogCommands(program: Command): void {
  program
    .command('logs <container>')
    .description('show what a container printed')
    .option('-f, --follow', 'go on as it prints more', false)
    .option('--since <time>', 'what came after, such as 10m or 2026-01-02T03:04:05Z')
    .option('--until <time>', 'what came before')
    .option('-n, --tail <lines>', 'only the last lines (default: all)', parseTail)
    .option('-t, --timestamps', 'with the times', false)
    .addHelpText('after', LOGS_EXAMPLES)
    .action(async (id: string, flags: LogsFlags, command: Command) => {
      const { logs } = await import('../actions/logs.ts');
      await logs(command, id, flags);
    });

  program
    .command('attach <container>')
    .description('connect this terminal with a container that runs')
    .exitOverride(exitAsTool)
    .addOption(detachKeysOption())
    .option('--no-stdin', 'hand on no input')
    .option('--sig-proxy [whether]', 'hand signals on', (text) => text !== 'false', true)
    .addHelpText('after', ATTACH_EXAMPLES)
    .action(async (id: string, flags: AttachFlags, command: Command) => {
      const { attach } = await import('../actions/attach.ts');
      process.exitCode = await attach(command, id, flags);
    });
}

function parseTail(text: string): number | undefined {
  if (text === 'all') return undefined;
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError('expected a whole number, or all');
  return Number(text);
}
