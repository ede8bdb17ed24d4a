import { randomBytes } from 'node:crypto';
import type { Container } from '@stowage/containers';
import { Fault } from '@stowage/core';
import { overrideEnv, parseSpec } from '@stowage/oci-spec';
import type { Process } from '@stowage/tasks';
import type { Command } from 'commander';
import { open } from '../connection.ts';
import { formatAge, table } from '../table.ts';
import { attachTerminal, forwardSignals } from '../terminal.ts';

export function addContainerCommands(program: Command): void {
  program
    .command('ps')
    .description('list containers that run')
    .option('-a, --all', 'those that don’t run too', false)
    .option('-q, --quiet', 'ids only', false)
    .action(list);

  program
    .command('exec <container> <command...>')
    .description('run one more program in a container')
    .passThroughOptions()
    .option('-i, --interactive', 'hand on standard input', false)
    .option('-t, --tty', 'give it a terminal', false)
    .option('-e, --env <NAME=value>', 'set a variable', (value: string, all: string[]) => [...all, value], [])
    .option('-w, --workdir <dir>', 'working directory')
    .action(async (id: string, args: string[], flags: ExecFlags, command: Command) => {
      process.exitCode = await exec(command, id, args, flags);
    });

  program
    .command('rm <container...>')
    .description('remove containers')
    .option('-f, --force', 'kill those that run', false)
    .action(remove);
}

interface ExecFlags {
  readonly interactive: boolean;
  readonly tty: boolean;
  readonly env: string[];
  readonly workdir?: string;
}

async function list(flags: { all: boolean; quiet: boolean }, command: Command): Promise<void> {
  await using client = open(command);
  const tasks = new Map((await Array.fromAsync(client.services.tasks.list())).map((t) => [t.containerId, t]));
  const containers = await Array.fromAsync(client.services.containers.list());
  const shown = containers.filter(
    ({ id }) => flags.all || tasks.get(id)?.status === 'running' || tasks.get(id)?.status === 'paused',
  );
  if (flags.quiet) {
    for (const { id } of shown) process.stdout.write(`${id}\n`);
    return;
  }
  const rows = shown.map((container) => {
    const { id, image, createdAt } = container;
    return [id, image, commandOf(container), formatAge(createdAt), statusOf(tasks.get(id))];
  });
  process.stdout.write(table(['CONTAINER', 'IMAGE', 'COMMAND', 'CREATED', 'STATUS'], rows));
}

function commandOf({ spec }: Container): string {
  const args = spec === undefined ? [] : (parseSpec(spec).process?.args ?? []);
  const text = args.join(' ');
  return text.length > 32 ? `${text.slice(0, 31)}…` : text;
}

function statusOf(task: Process | undefined): string {
  if (task === undefined) return 'no task';
  if (task.status === 'stopped') return `exited (${task.exitStatus})`;
  return task.pid === 0 ? task.status : `${task.status}, pid ${task.pid}`;
}

async function exec(command: Command, id: string, args: string[], flags: ExecFlags): Promise<number> {
  await using client = open(command);
  const container = await client.container(id);
  const { spec } = await container.info();
  const base = spec === undefined ? undefined : parseSpec(spec).process;
  if (base === undefined)
    throw new Fault('failed_precondition', `exec in ${id}: its spec has no process to take after`);
  await using task = await client.task(id);
  await using process_ = await task.exec({
    execId: randomBytes(6).toString('hex'),
    process: {
      ...base,
      args,
      env: overrideEnv(base.env ?? [], flags.env),
      cwd: flags.workdir ?? base.cwd,
      terminal: flags.tty,
    },
    io: {
      terminal: flags.tty,
      stdout: process.stdout,
      ...(!flags.tty && { stderr: process.stderr }),
      ...(flags.interactive && { stdin: process.stdin }),
    },
  });
  const finished = process_.finished();
  await process_.start();
  using _ = flags.tty ? attachTerminal(process_) : forwardSignals(process_);
  return (await finished).exitStatus;
}

async function remove(ids: string[], { force }: { force: boolean }, command: Command): Promise<void> {
  await using client = open(command);
  for (const id of ids) {
    const container = await client.container(id);
    await endTask(client.services, id, force);
    await container.delete();
    process.stdout.write(`${id}\n`);
  }
}

type Services = ReturnType<typeof open>['services'];

async function endTask({ tasks }: Services, containerId: string, force: boolean): Promise<void> {
  try {
    const { status } = await tasks.get({ containerId });
    if (status !== 'stopped') {
      if (!force) {
        throw new Fault(
          'failed_precondition',
          `remove ${containerId}: it is ${status}; end it first, or use --force`,
        );
      }
      await tasks.kill({ containerId, signal: 9, all: true });
      await tasks.wait({ containerId });
    }
    await tasks.delete(containerId);
  } catch (e) {
    if (!Fault.is(e, 'not_found')) throw e;
  }
}
