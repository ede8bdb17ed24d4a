import { join } from 'node:path';
import { cgroupLayout } from '@stowage/linux/cgroup';
import { Poller } from '@stowage/linux/poller';
import type { Exit } from '@stowage/runtime';
import { layout } from '../layout.ts';
import { CommandRunner } from '../supervisor/command.ts';
import type { SupervisorContext } from '../supervisor/context.ts';
import { EventLog } from '../supervisor/event-log.ts';
import { stderrLogger } from '../supervisor/file-logger.ts';
import { awaitCommands } from '../supervisor/left-commands.ts';
import { NamespaceCgroups } from '../supervisor/namespace-cgroups.ts';
import { Reaper } from '../supervisor/reaper.ts';
import { RestingMounter } from '../supervisor/resting-mounter.ts';
import { Task } from '../supervisor/task.ts';
import { readTaskRecord } from '../supervisor/task-record.ts';
import { removeMade } from '../supervisor/undo-making.ts';
import { Undoings } from '../supervisor/undoings.ts';
import { VERSION } from '../version.ts';

export interface LeftTask {
  readonly state: string;
  readonly namespace: string;
  readonly id: string;
}

/**
 * Ends a container that a dead supervisor left, and removes what is written down of it. Nobody but the caller may have
 * the tasks: it holds the supervisor's lock.
 *
 * Its events are the caller's to tell.
 *
 * @param killed - exit status where nobody knows of another one.
 * @returns undefined if no such task was left.
 */
export async function removeLeftTask(
  { state, namespace, id }: LeftTask,
  killed: number,
): Promise<(Exit & { readonly pid: number }) | undefined> {
  const at = layout(state);
  const record = await readTaskRecord(join(at.tasks, namespace, id));
  if (record === undefined) return undefined;
  const context = await aloneContext(state);
  await using _ = context.events;
  const task = Task.fromRecord(context, record);
  const { init } = task;
  if (init.phase === 'creating' || init.phase === 'starting') {
    await awaitCommands(task.runtime.log(), context.reaper);
  }
  task.wasAsked = true;
  await removeMade(context, task);
  const { exit, pid } = init;
  return { pid, ...(exit ?? { exitStatus: killed, exitedAt: new Date() }) };
}

/** Of a process that is no supervisor, and does what one does for one task. */
async function aloneContext(state: string): Promise<SupervisorContext> {
  const at = layout(state);
  const log = stderrLogger();
  const poller = new Poller({ ref: true });
  const reaper = new Reaper(poller, log);
  const cgroups = await cgroupLayout();
  const namespaceCgroups = new NamespaceCgroups(cgroups, join(state, 'cgroups.lock'));
  return {
    ...{ poller, reaper, log, version: VERSION },
    // A task that is removed has nothing to hand over.
    handover: { keep() {}, changed() {}, forget() {} },
    events: await EventLog.open(at.events, log),
    commands: new CommandRunner({ reaper }),
    mounter: new RestingMounter(),
    cgroups,
    namespaceCgroups,
    undoings: new Undoings(namespaceCgroups),
    systemd: false,
    defaults: { binary: 'runc', root: at.runtime },
    owner: '',
    tasks: at.tasks,
    consolePath: () => join(at.state, 'console'),
  };
}
