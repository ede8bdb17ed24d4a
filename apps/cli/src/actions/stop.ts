import { setTimeout as delay } from 'node:timers/promises';
import { type Client, STOP_SIGNAL_LABEL, type TaskHandle } from '@stowage/client';
import { type CallOptions, type Labels, unlessGone } from '@stowage/core';
import type { Command } from 'commander';
import type { StopFlags } from '../commands/lifecycle.ts';
import { open } from '../connection.ts';
import { CLI_LABEL } from '../container-labels.ts';
import { eachOf } from '../failure.ts';
import { interruptible } from '../interrupt.ts';
import { parseSignal } from '../signal.ts';
import { autoRemove } from './auto-remove.ts';
import { beingStopped, meantToRest } from './restart-labels.ts';

const DEFAULT_SECONDS = 10;

/** Ends as many as it can. @returns the exit code: not 0 if any could not be. */
export async function stop(command: Command, ids: readonly string[], flags: StopFlags): Promise<number> {
  if (flags.signal !== undefined) parseSignal(flags.signal);
  await using client = open(command);
  using interrupt = interruptible('What was not named may run on: see stowage ps.');
  const { signal } = interrupt;
  return await eachOf(ids, async (id) => {
    await stopContainer(client, id, flags, { signal });
    await autoRemove(command, client, id, { signal });
    process.stdout.write(`${id}\n`);
  });
}

/** Ends a container's processes. One that does not run is left as it is. @throws Fault `not_found` if there is none. */
export async function stopContainer(
  client: Client,
  id: string,
  flags: StopFlags,
  options: CallOptions,
): Promise<void> {
  const { labels } = await client.services.containers.get(id, options);
  const task = await unlessGone(client.task(id, options));
  if (task === undefined) return;
  const { status } = await task.status(options);
  if (status === 'stopped' || status === 'created') return;
  await beingStopped(client, id, options);
  const seconds = flags.time ?? Number(labels[CLI_LABEL.stopTimeout] ?? DEFAULT_SECONDS);
  if (seconds === 0 || !(await endsIn(task, seconds, signalOf(labels, flags), status, options))) {
    await unlessGone(task.kill('SIGKILL', { ...options, all: true }));
    await unlessGone(task.wait(options));
  }
  await meantToRest(client, id, options);
}

/** What was said when it was made counts more than what its image says. */
function signalOf(labels: Labels, { signal }: StopFlags): number {
  return parseSignal(signal ?? labels[STOP_SIGNAL_LABEL] ?? 'TERM');
}

/** Asks it to end. @returns whether it did in time. */
async function endsIn(
  task: TaskHandle,
  seconds: number,
  number: number,
  status: string,
  { signal }: CallOptions,
): Promise<boolean> {
  const over = new AbortController();
  const either = AbortSignal.any([over.signal, ...(signal === undefined ? [] : [signal])]);
  try {
    const ended = unlessGone(task.wait({ signal: either })).then(() => true);
    ended.catch(() => undefined);
    await unlessGone(task.kill(number, { signal }));
    // What is held can not heed.
    if (status === 'paused') await unlessGone(task.resume({ signal }));
    if (seconds < 0) return await ended;
    const late = delay(seconds * 1000, false, { signal: either });
    late.catch(() => undefined);
    return await Promise.race([ended, late]);
  } finally {
    over.abort();
  }
}
