import { type CgroupPaths, cgroupOf } from '@stowage/linux/cgroup';
import { isSameProcess } from '@stowage/linux/reap';
import type { Exit } from '@stowage/runtime';
import { cgroupAt } from './cgroup-at.ts';
import type { SupervisorContext } from './context.ts';
import { MemoryWatch, type OomCount } from './memory-watch.ts';
import type { Task } from './task.ts';
import type { TaskProcess } from './task-process.ts';
import type { TaskRecord } from './task-record.ts';

const KILLED = 128 + 9;

/** Where a task's cgroup is, and what the kernel kills in it for want of memory. */
export class TaskMemory implements Disposable {
  readonly #context: SupervisorContext;
  readonly #task: Task;
  #watch: MemoryWatch | undefined;
  #count: OomCount | undefined;
  cgroup: CgroupPaths | undefined;

  constructor(context: SupervisorContext, task: Task) {
    this.#context = context;
    this.#task = task;
  }

  /** The init is there. @param oom - as an earlier supervisor wrote it down. */
  async watch(oom?: TaskRecord['oom']): Promise<void> {
    const { cgroups, poller } = this.#context;
    const { init, events, facts } = this.#task;
    const { pid, startTime } = init;
    const left = startTime === undefined || isSameProcess(pid, startTime);
    this.cgroup = left ? await cgroupOf(pid, cgroups) : undefined;
    // It may have ended while nobody watched; its cgroup is there until the runtime removes it.
    if (this.cgroup === undefined && facts.cgroupsPath !== undefined && facts.choice.systemdCgroup !== true)
      this.cgroup = cgroupAt(cgroups, facts.cgroupsPath);
    if (this.cgroup === undefined) return;
    const count = oom && { before: BigInt(oom.before), counted: BigInt(oom.counted) };
    this.#watch = new MemoryWatch(this.cgroup, poller, () => events.oom(), count);
    this.#count = await this.#watch.last();
  }

  /** A process has ended, and nobody was told. Nobody shall have to guess why it was killed. */
  async ended(process: TaskProcess, { exitStatus }: Exit, execId: string | undefined): Promise<void> {
    const { init, facts } = this.#task;
    if (this.#watch === undefined || (process !== init && exitStatus !== KILLED)) return;
    const some = await this.#watch.count();
    this.#count = await this.#watch.last();
    if (!some || exitStatus !== KILLED) return;
    process.outOfMemory = true;
    const { namespace, id } = facts;
    const which = { namespace, id, execId, pid: process.pid };
    this.#context.log.warn(which, 'killed, and the kernel has killed in the container for want of memory');
  }

  toRecord(): TaskRecord['oom'] {
    return this.#count && { before: String(this.#count.before), counted: String(this.#count.counted) };
  }

  [Symbol.dispose](): void {
    this.#watch?.[Symbol.dispose]();
  }
}
