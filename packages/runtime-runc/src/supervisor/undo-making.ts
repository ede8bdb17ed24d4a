import { unlessGone } from '@stowage/core';
import type { CgroupLayout } from '@stowage/linux/cgroup';
import { removeCgroup } from './cgroup-remove.ts';
import type { SupervisorContext } from './context.ts';
import type { Task } from './task.ts';

/**
 * Undoes as much of a creation as there is. What can't be done now, for want of processes or descriptors say, is done
 * later, and the record stays until then: a supervisor that comes after this one goes on with it.
 */
export async function undoMaking(context: SupervisorContext, task: Task): Promise<void> {
  task.discard(task.init);
  task.memory[Symbol.dispose]();
  try {
    await removeMade(context, task);
  } catch (e) {
    task.complain('undo a creation, which is tried again,', e);
    context.undoings.keep(task.facts, () => removeMade(context, task));
  }
}

/** As far as there is anything; may be done again after it failed. */
export async function removeMade({ cgroups }: SupervisorContext, task: Task): Promise<void> {
  // One that can't be removed yet runs nothing that needs its rootfs.
  try {
    if (task.wasAsked) await removeContainer(cgroups, task);
  } finally {
    await task.unmount();
  }
  await task.forget();
}

async function removeContainer(cgroups: CgroupLayout, { runtime, facts }: Task): Promise<void> {
  await unlessGone(runtime.delete({ force: true }));
  // A runtime that was killed at work had not yet written down what it made.
  if (facts.choice.systemdCgroup !== true) await removeCgroup(cgroups, facts.cgroupsPath);
}
