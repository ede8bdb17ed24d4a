import { type Command, type CommanderError, InvalidArgumentError, Option } from 'commander';

export interface RunFlags {
  readonly interactive: boolean;
  readonly tty: boolean;
  readonly detach: boolean;
  readonly rm: boolean;
  readonly name?: string;
  readonly env: string[];
  readonly workdir?: string;
  readonly hostname?: string;
  readonly net: 'host' | 'none';
  readonly memory?: number;
  readonly cpus?: number;
  readonly readOnly: boolean;
  readonly pull: 'missing' | 'always' | 'never';
}

const EXAMPLES = `
Examples:
  stowage run --rm busybox echo hello
  stowage run -it --rm busybox sh             a shell, on this terminal
  seq 9 | stowage run -i --rm busybox wc -l   handing on what comes in
  stowage run -d --name web --net host nginx  let it run; stop it with: stowage rm -f web
  stowage run --rm --memory 64m --cpus 0.5 -e GREETING=hi busybox env

It ends with the program's exit code; 125 if it could not be run, 126 if it is not executable, 127 if there is none.
Signals are handed on to the program; three Ctrl-C kill it.`;

export function addRunCommand(program: Command): void {
  program
    .command('run <image> [command...]')
    .description('run a program in a new container')
    .passThroughOptions()
    .exitOverride(exitAsTool)
    .option('-i, --interactive', 'hand on standard input', false)
    .option('-t, --tty', 'give it a terminal', false)
    .option('-d, --detach', 'let it run and print the container’s id', false)
    .option('--rm', 'remove the container when it ends', false)
    .option('--name <id>', 'id of the container (default: a random one)')
    .addOption(envOption())
    .option('-w, --workdir <dir>', 'working directory')
    .option('--hostname <name>', 'host name')
    .addOption(new Option('--net <network>', 'network').choices(['host', 'none']).default('none'))
    .option('--memory <bytes>', 'most memory, such as 256m', parseBytes)
    .option('--cpus <n>', 'most processors, such as 0.5', parsePositive)
    .option('--read-only', 'make the root file system read-only', false)
    .addOption(
      new Option('--pull <when>', 'pull the image')
        .choices(['missing', 'always', 'never'])
        .default('missing'),
    )
    .addHelpText('after', EXAMPLES)
    .action(async (image: string, args: string[], flags: RunFlags, command: Command) => {
      const { run } = await import('../actions/run.ts');
      process.exitCode = await run(command, image, args, flags);
    });
}

/** Bad usage must not read as the exit of the program. */
export function exitAsTool({ exitCode }: CommanderError): void {
  process.exitCode = exitCode === 0 ? 0 : 125;
  process.exit();
}

/** `-e`, as often as there are variables. */
export function envOption(): Option {
  return new Option('-e, --env <NAME=value>', 'set a variable; NAME alone takes it from here')
    .argParser((value: string, all: string[]) => [...all, value])
    .default([], 'none');
}

function parseBytes(text: string): number {
  const [, digits, unit = ''] = /^(\d+)([kmgt]?)b?$/i.exec(text) ?? [];
  if (digits === undefined || Number(digits) === 0)
    throw new InvalidArgumentError('expected a number with k, m, g or t, such as 256m');
  return Number(digits) * 1024 ** ' kmgt'.indexOf(unit.toLowerCase() || ' ');
}

function parsePositive(text: string): number {
  const value = Number(text);
  if (!(value > 0 && value < Number.POSITIVE_INFINITY))
    throw new InvalidArgumentError('expected a number above 0');
  return value;
}
