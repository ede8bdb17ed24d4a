import { stat } from 'node:fs/promises';
import { type CallOptions, Fault, reasonOf, unlessAbsent, unlessGone } from '@stowage/core';
import { type LogLine, linesOf } from './logs/lines.ts';
import { Notice } from './logs/notice.ts';
import { LOG_LABEL, logPath } from './logs/place.ts';
import { readLog } from './logs/read.ts';
import type { Services } from './services.ts';

export interface ContainerLogsOptions extends CallOptions {
  /** Goes on with what comes, until the container has ended. Default: ends with what is there. */
  readonly follow?: boolean | undefined;
  /** Leaves out what is older, in a log with times. */
  readonly since?: Date | undefined;
  /** Ends with the first that is newer, in a log with times. */
  readonly until?: Date | undefined;
  /** Only so many of the last lines. Default: all. */
  readonly tail?: number | undefined;
}

/**
 * What a container printed into its log, line by line: into a file that its task was given as `stdout`, a URL `file:`, or
 * that `stowage run -d` has it keep. It is read from the file, on the daemon's machine. With `format=cri` in the URL, lines of
 * Stowage's runtime have times and streams; containerd's keeps lines as they are.
 *
 * @throws Fault `not_found` if there is no such container, or it keeps no log; `unavailable` if that can't be read here.
 */
export async function* containerLogs(
  services: Services,
  id: string,
  { follow = false, since, until, tail, signal }: ContainerLogsOptions = {},
): AsyncGenerator<LogLine> {
  const path = await logOf(services, id, { signal });
  const stop = new AbortController();
  const either = signal === undefined ? stop.signal : AbortSignal.any([signal, stop.signal]);
  try {
    const ended = () => unlessGone(services.tasks.wait({ containerId: id }, { signal: either }));
    using notice = follow ? new Notice(path, ended(), either) : undefined;
    for await (const line of linesOf(readLog(path, { tail, follow: notice }))) {
      signal?.throwIfAborted();
      if (line.time !== undefined && until !== undefined && line.time > until) return;
      if (line.time === undefined || since === undefined || line.time >= since) yield line;
    }
  } finally {
    stop.abort();
  }
}

async function logOf(services: Services, id: string, options: CallOptions): Promise<string> {
  const { labels } = await services.containers.get(id, options);
  const task = await unlessGone(services.tasks.get({ containerId: id }, options));
  const path = logPath(task?.stdout) ?? logPath(labels[LOG_LABEL]);
  if (path === undefined)
    throw new Fault('not_found', `logs of ${id}: none are kept; give its task a file: URL as stdout`);
  try {
    if ((await unlessAbsent(stat(path))) !== undefined) return path;
  } catch (e) {
    throw new Fault('unavailable', `logs of ${id}: ${reasonOf(e)}`, { cause: e });
  }
  throw new Fault('not_found', `logs of ${id}: there are none yet at ${path}`);
}
