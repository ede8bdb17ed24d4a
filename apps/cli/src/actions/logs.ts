import { open as openFile, stat } from 'node:fs/promises';
import type { Client } from '@stowage/client';
import { isRecorded, logPath, Notice, readLog } from '@stowage/client/logs';
import { Fault, reasonOf, unlessAbsent, unlessGone } from '@stowage/core';
import type { Command } from 'commander';
import type { LogsFlags } from '../commands/logs.ts';
import { open } from '../connection.ts';
import { CLI_LABEL } from '../container-labels.ts';
import { interruptible } from '../interrupt.ts';
import { LogPrinter } from '../logs/print.ts';
import { parseTimeFlag } from '../time-flag.ts';

export async function logs(command: Command, id: string, flags: LogsFlags): Promise<void> {
  const since = flags.since === undefined ? undefined : parseTimeFlag('--since', flags.since);
  const until = flags.until === undefined ? undefined : parseTimeFlag('--until', flags.until);
  await using client = open(command);
  using interrupt = interruptible();
  const { signal } = interrupt;
  const path = await logOf(client, id);
  await tellIfPlain(path, flags);
  const printer = new LogPrinter({ since, until, timestamps: flags.timestamps });
  if (!flags.follow) {
    for await (const record of readLog(path, { tail: flags.tail })) {
      signal.throwIfAborted();
      if (!(await printer.print(record))) return;
    }
    return;
  }
  using follow = new Notice(
    path,
    unlessGone(client.services.tasks.wait({ containerId: id }, { signal })),
    signal,
  );
  for await (const record of readLog(path, { tail: flags.tail, follow })) {
    if (!(await printer.print(record))) return;
  }
}

/** Where a container's log is. @throws Fault `not_found` if it has none, or it can't be read here. */
export async function logOf(client: Client, id: string): Promise<string> {
  const { labels } = await client.services.containers.get(id);
  const path = logPath(labels[CLI_LABEL.log]);
  if (path === undefined)
    throw new Fault('not_found', `logs of ${id}: none are kept; it was made with no log`);
  try {
    if ((await unlessAbsent(stat(path))) !== undefined) return path;
  } catch (e) {
    throw new Fault('unavailable', `logs of ${id}: ${reasonOf(e)}`, { cause: e });
  }
  throw new Fault(
    'not_found',
    `logs of ${id}: there are none yet; those of stowage run -d and stowage start are kept`,
  );
}

/** Another runtime than Stowage's writes down what is printed and no more. */
async function tellIfPlain(path: string, { since, until, timestamps }: LogsFlags): Promise<void> {
  if (since === undefined && until === undefined && !timestamps) return;
  await using file = await openFile(path, 'r');
  if ((await file.stat()).size === 0 || (await isRecorded(file))) return;
  process.stderr.write(
    'stowage: this log has no times, as the container’s runtime keeps none; all of it is shown\n',
  );
}
