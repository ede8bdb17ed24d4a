import { randomBytes } from 'node:crypto';
import type { Client, ContainerHandle, ImageHandle, IoOptions, TaskHandle } from '@stowage/client';
import { Fault } from '@stowage/core';
import {
  type SpecOption,
  withArgs,
  withCpus,
  withCwd,
  withEnv,
  withHostNetwork,
  withHostname,
  withMemory,
  withRootfsReadonly,
  withTty,
} from '@stowage/oci-spec';
import { normalizeReference } from '@stowage/registry';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { interruptSignal, open } from '../connection.ts';
import { progressView } from '../progress.ts';
import { attachTerminal, forwardSignals } from '../terminal.ts';

interface RunFlags {
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

const collect = (value: string, all: string[]) => [...all, value];

export function addRunCommand(program: Command): void {
  program
    .command('run <image> [command...]')
    .description('run a program in a new container')
    .passThroughOptions()
    .option('-i, --interactive', 'hand on standard input', false)
    .option('-t, --tty', 'give it a terminal', false)
    .option('-d, --detach', 'let it run and print the container’s id', false)
    .option('--rm', 'remove the container when it ends', false)
    .option('--name <id>', 'id of the container (default: a random one)')
    .option('-e, --env <NAME=value>', 'set a variable; NAME alone takes it from here', collect, [])
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
    .action(async (image: string, args: string[], flags: RunFlags, command: Command) => {
      process.exitCode = await run(command, image, args, flags);
    });
}

async function run(command: Command, reference: string, args: string[], flags: RunFlags): Promise<number> {
  if (flags.detach && flags.tty)
    throw new Fault('invalid_argument', '-d and -t exclude each other: nobody would see the terminal');
  await using client = open(command);
  const image = await obtain(client, normalizeReference(reference), flags.pull);
  const id = flags.name ?? randomBytes(6).toString('hex');
  const container = await client.createContainer({ id, image, spec: specOptions(args, flags) });
  try {
    return await start(container, flags);
  } catch (e) {
    await container.delete();
    throw e;
  }
}

async function start(container: ContainerHandle, flags: RunFlags): Promise<number> {
  const task = await container.createTask({ io: ioOf(flags) });
  if (flags.detach) {
    await task.start();
    process.stdout.write(`${container.id}\n`);
    return 0;
  }
  const exit = await follow(task, flags.tty);
  if (flags.rm) await container.delete();
  return exit;
}

async function follow(task: TaskHandle, tty: boolean): Promise<number> {
  await using _ = task;
  const finished = task.finished();
  await task.start();
  using _terminal = tty ? attachTerminal(task) : forwardSignals(task);
  const { exitStatus } = await finished;
  await task.delete();
  return exitStatus;
}

/** The image, unpacked; pulled if that is asked for. */
async function obtain(client: Client, name: string, when: RunFlags['pull']): Promise<ImageHandle> {
  const signal = interruptSignal();
  if (when !== 'always') {
    try {
      const image = await client.image(name);
      await image.unpack({ signal });
      return image;
    } catch (e) {
      if (!Fault.is(e, 'not_found') || when === 'never') throw e;
    }
  }
  using progress = progressView(process.stderr, false);
  return await client.pull(name, { unpack: true, signal, onProgress: (p) => progress.update(p) });
}

function ioOf({ interactive, tty, detach }: RunFlags): IoOptions {
  if (detach) return {};
  return {
    terminal: tty,
    stdout: process.stdout,
    ...(!tty && { stderr: process.stderr }),
    ...(interactive && { stdin: process.stdin }),
  };
}

function specOptions(args: string[], flags: RunFlags): SpecOption[] {
  const env = flags.env.flatMap((e) =>
    e.includes('=') ? [e] : e in process.env ? [`${e}=${process.env[e]}`] : [],
  );
  const { columns, rows } = process.stdout;
  return [
    ...(args.length > 0 ? [withArgs(...args)] : []),
    ...(env.length > 0 ? [withEnv(env)] : []),
    ...(flags.workdir === undefined ? [] : [withCwd(flags.workdir)]),
    ...(flags.hostname === undefined ? [] : [withHostname(flags.hostname)]),
    ...(flags.net === 'host' ? [withHostNetwork()] : []),
    ...(flags.memory === undefined ? [] : [withMemory(flags.memory)]),
    ...(flags.cpus === undefined ? [] : [withCpus(flags.cpus)]),
    ...(flags.readOnly ? [withRootfsReadonly()] : []),
    ...(flags.tty ? [withTty(columns > 0 ? { width: columns, height: rows } : undefined)] : []),
  ];
}

function parseBytes(text: string): number {
  const [, digits, unit = ''] = /^(\d+)([kmgt]?)b?$/i.exec(text) ?? [];
  if (digits === undefined)
    throw new InvalidArgumentError('expected a number with k, m, g or t, such as 256m');
  return Number(digits) * 1024 ** ' kmgt'.indexOf(unit.toLowerCase() || ' ');
}

function parsePositive(text: string): number {
  const value = Number(text);
  if (!(value > 0)) throw new InvalidArgumentError('expected a number above 0');
  return value;
}
