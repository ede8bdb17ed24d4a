import {
  TaskCreateSchema,
  TaskDeleteSchema,
  TaskExecAddedSchema,
  TaskExecStartedSchema,
  TaskExitSchema,
  TaskPausedSchema,
  TaskResumedSchema,
  TaskStartSchema,
} from '@stowage/api/events';
import type { TypedBytes } from '@stowage/core';
import { dateOf, unpackMessage } from '@stowage/rpc';
import type { ProcessState } from '@stowage/runtime';

export interface TaskEnvelope {
  readonly namespace: string;
  readonly topic: string;
  readonly event: TypedBytes;
}

/** What an event changes about one process. */
export type TaskChange =
  | { readonly kind: 'gone'; readonly id: string; readonly execId: string }
  | {
      readonly kind: 'added' | 'changed';
      readonly id: string;
      readonly execId: string;
      /** The process before anything is known of it. */
      readonly blank: ProcessState;
      readonly state: Partial<ProcessState>;
    };

/**
 * Undefined for events that change nothing about a process.
 *
 * @param initPid - of a task's init, where it is known.
 */
export function changeOf(
  { topic, event }: TaskEnvelope,
  initPid: (id: string) => number | undefined,
): TaskChange | undefined {
  switch (topic) {
    case '/tasks/create': {
      const { containerId, bundle, pid, io } = unpackMessage(TaskCreateSchema, event);
      const { stdin = '', stdout = '', stderr = '', terminal = false } = io ?? {};
      return change('added', containerId, '', { bundle, pid, stdin, stdout, stderr, terminal });
    }
    case '/tasks/start': {
      const { containerId, pid } = unpackMessage(TaskStartSchema, event);
      return change('changed', containerId, '', { pid, status: 'running' });
    }
    case '/tasks/exec-added': {
      const { containerId, execId } = unpackMessage(TaskExecAddedSchema, event);
      return change('added', containerId, execId, {});
    }
    case '/tasks/exec-started': {
      const { containerId, execId, pid } = unpackMessage(TaskExecStartedSchema, event);
      return change('changed', containerId, execId, { pid, status: 'running' });
    }
    case '/tasks/exit': {
      const { containerId, id, pid, exitStatus, exitedAt } = unpackMessage(TaskExitSchema, event);
      const exit = { pid, exitStatus, exitedAt: dateOf(exitedAt) };
      // An exec may have the container's id, too; then the pid tells.
      const execId = id === containerId && initPid(containerId) === pid ? '' : id;
      return change('changed', containerId, execId, { status: 'stopped', ...exit });
    }
    case '/tasks/paused':
      return change('changed', unpackMessage(TaskPausedSchema, event).containerId, '', { status: 'paused' });
    case '/tasks/resumed':
      return change('changed', unpackMessage(TaskResumedSchema, event).containerId, '', {
        status: 'running',
      });
    case '/tasks/delete': {
      const { containerId, id } = unpackMessage(TaskDeleteSchema, event);
      return { kind: 'gone', id: containerId, execId: id === containerId ? '' : id };
    }
    default:
      return undefined;
  }
}

function change(
  kind: 'added' | 'changed',
  id: string,
  execId: string,
  state: Partial<ProcessState>,
): TaskChange {
  const none = { stdin: '', stdout: '', stderr: '', terminal: false };
  const blank: ProcessState = { id, execId, bundle: '', pid: 0, status: 'created', exitStatus: 0, ...none };
  return { kind, id, execId, blank, state };
}
