import type { Container, ContainerStore } from '@stowage/containers';
import { type CallOptions, isJsonType, type Mount, unlessGone } from '@stowage/core';
import type { Process, Tasks } from '@stowage/tasks';
import { RESTART_LABEL } from './labels.ts';
import { isToStart, restartCount } from './policy.ts';

/** What is done with one container, in its namespace. */
export interface Keeping {
  readonly containers: Pick<ContainerStore, 'get' | 'update'>;
  readonly tasks: Pick<Tasks, 'get' | 'create' | 'start' | 'kill' | 'wait' | 'delete'>;
  /** The rootfs of a snapshot. */
  mounts(snapshotter: string, key: string, options: CallOptions): Promise<readonly Mount[]>;
}

export type Verdict = 'start' | 'end' | 'leave' | 'never';

const SIGKILL = 9;
/** Who has just made a container is about to make its task. */
const SETTLED_MS = 10_000;

/**
 * What is to be done about a container.
 *
 * @param task - undefined if it has none.
 * @param isNew - nobody looked at it before, so it may be somebody's who is at work on it.
 * @throws Fault `invalid_argument` for a policy that nobody knows.
 */
export function judge(
  { labels, updatedAt }: Pick<Container, 'labels' | 'updatedAt'>,
  task: Pick<Process, 'status' | 'exitStatus'> | undefined,
  { now, isSettled }: { readonly now: Date; readonly isSettled: boolean },
): Verdict {
  const wanted = labels[RESTART_LABEL.status];
  if (wanted === undefined) return 'never';
  const isOver = task === undefined || task.status === 'stopped';
  if (wanted === 'stopped') return isOver ? 'leave' : 'end';
  if (wanted !== 'running' || !isOver) return 'leave';
  if (task === undefined && !isSettled && now.getTime() - updatedAt.getTime() < SETTLED_MS) return 'leave';
  return isToStart(labels, task?.exitStatus) ? 'start' : 'leave';
}

/** The container's task, if it has one. */
export function taskOf({ tasks }: Keeping, id: string, options: CallOptions): Promise<Process | undefined> {
  return unlessGone(tasks.get({ containerId: id }, options));
}

/** Starts a container that has ended once more, and counts that. */
export async function startAgain(
  { containers, tasks, mounts }: Keeping,
  container: Container,
  options: CallOptions,
): Promise<void> {
  const { id, labels, snapshotter, snapshotKey } = container;
  const counted = { ...labels, [RESTART_LABEL.count]: String(restartCount(labels) + 1) };
  await containers.update({ ...container, labels: counted }, [`labels.${RESTART_LABEL.count}`], options);
  await unlessGone(tasks.delete(id, options));
  const rootfs = snapshotKey === '' ? [] : await mounts(snapshotter, snapshotKey, options);
  const log = logOf(container);
  const terminal = wantsTerminal(container);
  const stdio = { stdin: '', stdout: log, stderr: terminal ? '' : log, terminal };
  await tasks.create({ containerId: id, rootfs, ...stdio }, options);
  try {
    await tasks.start({ containerId: id }, options);
  } catch (e) {
    await unlessGone(tasks.delete(id, options)).catch(() => undefined);
    throw e;
  }
}

/** Ends the container's task, which ought not to run. */
export async function end({ tasks }: Keeping, id: string, options: CallOptions): Promise<void> {
  const exit = tasks.wait({ containerId: id }, options);
  exit.catch(() => undefined);
  await unlessGone(tasks.kill({ containerId: id, signal: SIGKILL, all: true }, options));
  await unlessGone(exit);
  await unlessGone(tasks.delete(id, options));
}

function logOf({ labels }: Container): string {
  const uri = labels[RESTART_LABEL.logUri];
  if (uri !== undefined) return uri;
  const path = labels[RESTART_LABEL.logPath];
  return path === undefined ? '' : `file://${path}`;
}

function wantsTerminal({ spec }: Container): boolean {
  if (spec === undefined || !isJsonType(spec.typeUrl)) return false;
  const { process } = JSON.parse(Buffer.from(spec.value).toString()) as { process?: { terminal?: boolean } };
  return process?.terminal === true;
}
