import type { Client, TaskHandle } from '@stowage/client';
import { logPath, Notice, openLog } from '@stowage/client/logs';
import { Fault } from '@stowage/core';
import type { Command } from 'commander';
import type { AttachFlags } from '../commands/logs.ts';
import { open } from '../connection.ts';
import { CLI_LABEL } from '../container-labels.ts';
import { parseDetachKeys } from '../detach-keys.ts';
import { running } from '../failure.ts';
import { Interrupted } from '../interrupt.ts';
import { LogPrinter } from '../logs/print.ts';
import { followSize, forwardSignals, rawTerminal } from '../terminal.ts';
import { ownStreams, untilEnd } from './attend.ts';
import { autoRemove } from './auto-remove.ts';

/** @returns the program's exit code; 0 if it was left. */
export function attach(command: Command, id: string, flags: AttachFlags): Promise<number> {
  return running(async () => {
    const keys = parseDetachKeys(flags.detachKeys);
    await using client = open(command);
    const { labels } = await client.services.containers.get(id);
    const { status, stdin, stdout, terminal: tty } = await client.services.tasks.get({ containerId: id });
    if (status !== 'running')
      throw new Fault('failed_precondition', `attach to ${id}: it is ${status}; it must run`);
    const interactive = flags.stdin && stdin !== '';
    using left = abortedAtEnd();
    const { signal } = left;
    const log = stdout.startsWith('file:') ? logPath(labels[CLI_LABEL.log]) : undefined;
    // Before it is given any input, so that no answer is missed.
    const shown = log === undefined ? undefined : await openShown(client, id, log, signal);
    using streams = ownStreams({ tty, interactive, keys });
    await using task = await client.attach(id, streams.io);
    using _raw = tty && interactive && process.stdin.isTTY ? await rawTerminal() : undefined;
    using _signals = flags.sigProxy ? forwardSignals(task) : undefined;
    using _size = tty ? await redrawn(task) : undefined;
    const finished = shown?.() ?? task.finished({ signal });
    finished.catch(() => undefined);
    const exit = await untilEnd(task, finished, streams);
    if (exit === 'detached') return 0;
    await autoRemove(command, client, id, {});
    return exit;
  });
}

/** Shows what goes to the log from now on. @returns what does so, and gives the exit once all was shown. */
async function openShown(
  client: Client,
  id: string,
  path: string,
  signal: AbortSignal,
): Promise<() => ReturnType<TaskHandle['finished']>> {
  const exit = client.services.tasks.wait({ containerId: id }, { signal });
  exit.catch(() => undefined);
  const follow = new Notice(path, exit, signal);
  const records = await openLog(path, { tail: 0, follow });
  return async () => {
    using _follow = follow;
    const printer = new LogPrinter();
    for await (const record of records) await printer.print(record);
    return await exit;
  };
}

/** A program draws anew when its terminal changes size, so it does that twice. */
async function redrawn(task: TaskHandle): Promise<Disposable> {
  const { columns, rows } = process.stdout;
  if (columns > 0 && rows > 0) await task.resize(columns + 1, rows + 1).catch(unlessEnded);
  return followSize(task);
}

function abortedAtEnd(): Disposable & { readonly signal: AbortSignal } {
  const stop = new AbortController();
  return { signal: stop.signal, [Symbol.dispose]: () => stop.abort() };
}

function unlessEnded(e: unknown): void {
  if (Interrupted.is(e) || !Fault.is(e)) throw e;
}
