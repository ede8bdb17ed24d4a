import { mkdir } from 'node:fs/promises';
import type { Client } from '@stowage/client';
import { type CallOptions, Fault, unlessGone } from '@stowage/core';
import { parseSpec } from '@stowage/oci-spec';
import type { Command } from 'commander';
import type { StartFlags } from '../commands/lifecycle.ts';
import { open } from '../connection.ts';
import { parseDetachKeys } from '../detach-keys.ts';
import { eachOf, running } from '../failure.ts';
import { interruptible } from '../interrupt.ts';
import { containerDir } from '../state.ts';
import { attend, ownStreams } from './attend.ts';
import { detachedStreams } from './detached-streams.ts';
import { meantToRun } from './restart-labels.ts';

/** @returns the exit code: that of the program, if it is stayed with. */
export async function start(command: Command, ids: readonly string[], flags: StartFlags): Promise<number> {
  if (flags.attach || flags.interactive) return await running(() => startAttached(command, ids, flags));
  await using client = open(command);
  using interrupt = interruptible();
  const { signal } = interrupt;
  return await eachOf(ids, async (id) => {
    await startDetached(command, client, id, { signal });
    process.stdout.write(`${id}\n`);
  });
}

/** Starts a container that nobody stays with. One that runs is left as it is. */
export async function startDetached(
  command: Command,
  client: Client,
  id: string,
  { signal }: CallOptions,
): Promise<void> {
  const container = await client.container(id, { signal });
  const { labels, spec } = await container.info({ signal });
  if (await isRunning(client, id, { signal })) return;
  const terminal = (spec && parseSpec(spec).process?.terminal) ?? false;
  const io = await detachedStreams(await containerDir(command, id), labels, terminal);
  await using task = await container.createTask({ io, signal });
  await task.start({ signal });
  task.leave();
  await meantToRun(client, id, { signal });
}

async function startAttached(command: Command, ids: readonly string[], flags: StartFlags): Promise<number> {
  const [id, another] = ids;
  if (id === undefined || another !== undefined)
    throw new Fault('invalid_argument', 'start: -a and -i are for one container');
  const keys = parseDetachKeys(flags.detachKeys);
  await using client = open(command);
  using interrupt = interruptible();
  const { signal } = interrupt;
  const container = await client.container(id, { signal });
  const { spec } = await container.info({ signal });
  if (await isRunning(client, id, { signal }))
    throw new Fault('failed_precondition', `start ${id}: it runs; see it with: stowage attach ${id}`);
  const tty = (spec && parseSpec(spec).process?.terminal) ?? false;
  const how = { tty, interactive: flags.interactive, keys };
  const fifoDir = await containerDir(command, id);
  await mkdir(fifoDir, { recursive: true, mode: 0o700 });
  using streams = ownStreams(how);
  await using task = await container.createTask({ io: { ...streams.io, fifoDir }, signal });
  const started = () => interrupt[Symbol.dispose]();
  const exit = await attend(task, { ...how, streams }, { signal, started });
  if (exit !== 'detached') return exit;
  return 0;
}

/** Whether it runs. What is left of it when it ran before is removed. */
async function isRunning(client: Client, id: string, options: CallOptions): Promise<boolean> {
  const task = await unlessGone(client.task(id, options));
  if (task === undefined) return false;
  const { status } = await task.status(options);
  if (status === 'stopped' || status === 'created') await task.end(options);
  return status !== 'stopped' && status !== 'created';
}
