import { Status } from '@stowage/api/types/task';
import type { TaskStatus } from './task-service.ts';

const STATUS: Readonly<Record<TaskStatus, Status>> = {
  unknown: Status.UNKNOWN,
  created: Status.CREATED,
  running: Status.RUNNING,
  stopped: Status.STOPPED,
  paused: Status.PAUSED,
  pausing: Status.PAUSING,
};

const NAME_OF: ReadonlyMap<Status, TaskStatus> = new Map(
  (Object.entries(STATUS) as Array<[TaskStatus, Status]>).map(([name, status]) => [status, name]),
);

/** As `containerd.v1.types.Status`, which the task API of shims and that of the daemon share. */
export function statusToWire(status: TaskStatus): Status {
  return STATUS[status];
}

/** A status of a newer API than this one is `unknown`. */
export function statusFromWire(status: Status): TaskStatus {
  return NAME_OF.get(status) ?? 'unknown';
}
