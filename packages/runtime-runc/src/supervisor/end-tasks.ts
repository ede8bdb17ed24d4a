import { type Logger, unlessGone } from '@stowage/core';
import type { Task } from './task.ts';
import { deleteTask } from './task-lifecycle.ts';
import type { TaskRegistry } from './task-registry.ts';

const SIGKILL = 9;

/** Kills and removes all tasks. What can't be removed stays in the list, and is logged. */
export async function endTasks(registry: TaskRegistry, log: Logger): Promise<void> {
  const ends = registry.all().map((task) =>
    endTask(task, () => registry.remove(task)).catch((err: unknown) => {
      const { namespace, id } = task.facts;
      log.error({ err, namespace, id }, 'ending a task failed');
    }),
  );
  await Promise.all(ends);
}

async function endTask(task: Task, remove: () => void): Promise<void> {
  if (task.init.phase !== 'stopped' && task.init.pid !== 0) {
    await unlessGone(task.runtime.kill(SIGKILL, true));
    await task.init.wait({});
  }
  await deleteTask(task, remove, {});
}
