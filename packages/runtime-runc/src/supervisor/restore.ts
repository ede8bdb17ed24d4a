import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type CallOptions, errnoOf, Fault, quote } from '@stowage/core';
import type { SupervisorContext } from './context.ts';
import { withCriu } from './criu.ts';
import { putIn, readStreams } from './criu-streams.ts';
import { openIO } from './open-io.ts';
import { readPid, type Task } from './task.ts';

/** What a task goes on from. */
export interface RestorePoint {
  /** Directory of CRIU's images. */
  readonly path: string;
  readonly parent?: string | undefined;
}

/** @throws Fault `not_found` if nothing is there to go on from. */
export async function checkRestorePoint(id: string, { path }: RestorePoint): Promise<void> {
  const names = await readdir(path).catch((e: unknown) => {
    if (errnoOf(e) === 'ENOENT' || errnoOf(e) === 'ENOTDIR') return [];
    throw e;
  });
  if (names.length === 0) {
    throw new Fault('not_found', `create task ${id}: there is no checkpoint in ${quote(path)}`);
  }
}

const pidFileOf = (task: Task): string => join(task.directory, 'init.pid');

/**
 * Makes the container of a task and goes on from its checkpoint. There was none before.
 *
 * @see containerd cmd/containerd-shim-runc-v2/process/init_state.go createdCheckpointState
 */
export async function restore(
  context: SupervisorContext,
  task: Task,
  point: RestorePoint,
  options: CallOptions,
): Promise<void> {
  const { init } = task;
  const { bundle, choice } = task.facts;
  // A supervisor that took the task over has none yet.
  init.io ??= await openIO(init, task.ioPlace(), context, options);
  const { stdio, consoleSocket } = init.io;
  const process = { stdio, consoleSocket, pidFile: pidFileOf(task), ...options };
  const criu = {
    ...{ directory: task.directory, path: choice.criuPath, workPath: choice.criuWorkPath },
    ...{ settings: putIn(await readStreams(point.path)), log: 'restore.log' as const },
  };
  await withCriu(criu, (run) => task.runtime.restore(bundle, point, { ...process, ...run }));
  await init.io.spawned();
  await task.found(await readPid(process.pidFile));
}

/** The pid that an earlier supervisor's runtime wrote; undefined if it had not restored it. */
export async function restoredPid(task: Task): Promise<number | undefined> {
  try {
    return await readPid(pidFileOf(task));
  } catch (e) {
    if (errnoOf(e) === 'ENOENT' || Fault.is(e)) return undefined;
    throw e;
  }
}
