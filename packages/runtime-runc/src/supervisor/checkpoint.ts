import { mkdir, readdir, rm, stat } from 'node:fs/promises';
import { isAbsolute } from 'node:path';
import { create } from '@bufbuild/protobuf';
import { type CheckpointOptions, CheckpointOptionsSchema } from '@stowage/api/runc/v1';
import { type CallOptions, errnoOf, Fault, quote, type TypedBytes } from '@stowage/core';
import { unpackMessage } from '@stowage/rpc';
import type { CheckpointTask } from '@stowage/runtime';
import { withCriu } from './criu.ts';
import { externalStreams, leaveOut, writeStreams } from './criu-streams.ts';
import type { Task } from './task.ts';

const CGROUPS_MODES: ReadonlySet<string> = new Set(['', 'soft', 'full', 'strict', 'ignore']);

/**
 * Writes down what a task's processes are at. They go on, unless the options say `exit`. One that fails leaves the task as
 * it was, and nothing where there was nothing.
 *
 * @throws Fault `failed_precondition` if the task is neither running nor paused, has a terminal and the options do not allow
 *   it, or the directory is not empty; `invalid_argument` for options that can't be right.
 * @see containerd cmd/containerd-shim-runc-v2/process/init.go checkpoint
 */
export async function checkpointTask(
  task: Task,
  request: CheckpointTask,
  options: CallOptions,
): Promise<void> {
  const { id, path } = request;
  const how = optionsOf(id, request.options);
  using _ = await task.locks.acquire([''], options.signal);
  const { init } = task;
  const status = task.status(init);
  if (status !== 'running' && status !== 'paused') {
    throw new Fault('failed_precondition', `checkpoint ${id}: it is ${status}`);
  }
  if (init.stdio.terminal && !how.terminal) {
    const remedy = 'the option "terminal" allows it';
    throw new Fault('failed_precondition', `checkpoint ${id}: it has a terminal; ${remedy}`);
  }
  const made = await prepare(id, path);
  try {
    const streams = await externalStreams(init.pid);
    const { criuPath, criuWorkPath } = task.facts.choice;
    const criu = {
      ...{ directory: task.directory, path: criuPath, settings: leaveOut(streams), log: 'dump.log' as const },
      workPath: how.workPath || criuWorkPath,
    };
    await withCriu(criu, (run) => task.runtime.checkpoint(path, argsOf(how), { ...run, ...options }));
    await writeStreams(path, streams);
  } catch (e) {
    await removeImages(path, made);
    throw e;
  }
  await task.events.checkpointed(path);
}

function optionsOf(id: string, options: TypedBytes | undefined): CheckpointOptions {
  if (options === undefined || options.typeUrl === '') return create(CheckpointOptionsSchema);
  const name = options.typeUrl.slice(options.typeUrl.lastIndexOf('/') + 1);
  if (name !== CheckpointOptionsSchema.typeName) {
    const expected = CheckpointOptionsSchema.typeName;
    throw new Fault(
      'invalid_argument',
      `checkpoint ${id}: options ${quote(name)}: expected ${expected}, or none`,
    );
  }
  const how = unpackMessage(CheckpointOptionsSchema, options);
  if (!CGROUPS_MODES.has(how.cgroupsMode)) {
    const known = 'soft, full, strict and ignore';
    throw new Fault(
      'invalid_argument',
      `checkpoint ${id}: cgroups mode ${quote(how.cgroupsMode)}: there are ${known}`,
    );
  }
  if (how.workPath !== '' && !isAbsolute(how.workPath)) {
    throw new Fault(
      'invalid_argument',
      `checkpoint ${id}: work path ${quote(how.workPath)}: must be absolute`,
    );
  }
  return how;
}

/** @see runc man/runc-checkpoint.8.md */
function argsOf(how: CheckpointOptions): string[] {
  const { exit, openTcp, externalUnixSockets, terminal, fileLocks, emptyNamespaces, cgroupsMode } = how;
  return [
    ...(exit ? [] : ['--leave-running']),
    ...(openTcp ? ['--tcp-established'] : []),
    ...(externalUnixSockets ? ['--ext-unix-sk'] : []),
    ...(terminal ? ['--shell-job'] : []),
    ...(fileLocks ? ['--file-locks'] : []),
    ...emptyNamespaces.flatMap((namespace) => ['--empty-ns', namespace]),
    ...(cgroupsMode === '' ? [] : ['--manage-cgroups-mode', cgroupsMode]),
  ];
}

/** Images of two checkpoints must not come together. @returns the topmost directory that was made, if any. */
async function prepare(id: string, path: string): Promise<string | undefined> {
  if (!isAbsolute(path)) {
    throw new Fault('invalid_argument', `checkpoint ${id}: image path ${quote(path)}: must be absolute`);
  }
  const made = await mkdir(path, { recursive: true, mode: 0o700 }).catch((e: unknown) => {
    if (errnoOf(e) !== 'EEXIST' && errnoOf(e) !== 'ENOTDIR') throw e;
    throw new Fault('invalid_argument', `checkpoint ${id}: image path ${quote(path)}: is no directory`);
  });
  if ((await readdir(path)).length === 0) return made;
  const remedy = 'name another one, or empty it';
  throw new Fault(
    'failed_precondition',
    `checkpoint ${id}: image path ${quote(path)}: is not empty; ${remedy}`,
  );
}

/** It was empty before, or not there. */
async function removeImages(path: string, made: string | undefined): Promise<void> {
  if (made !== undefined) return rm(made, { recursive: true, force: true });
  if (!(await stat(path).catch(() => undefined))?.isDirectory()) return;
  for (const name of await readdir(path)) await rm(`${path}/${name}`, { recursive: true, force: true });
}
