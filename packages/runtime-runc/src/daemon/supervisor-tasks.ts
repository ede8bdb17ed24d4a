import { type CallOptions, Fault } from '@stowage/core';
import type { TaskService } from '@stowage/runtime';
import { remoteTaskService } from '@stowage/runtime/remote';
import type { ProcessTable } from './process-table.ts';
import type { SupervisorPool } from './supervisor-pool.ts';

export interface SupervisorTasksOptions {
  readonly namespace: string;
  readonly table: ProcessTable;
  readonly pool: Pick<SupervisorPool, 'reach' | 'create'>;
}

/** One namespace's tasks as the daemon has them: what can be told from its table is, the rest is asked. */
export function supervisorTasks({ namespace, table, pool }: SupervisorTasksOptions): TaskService {
  const reach = async ({ id }: { readonly id: string }) => {
    const reached = await pool.reach(namespace, id);
    if (reached === undefined) throw missing(namespace, id);
    const { connection, line } = reached;
    return { holdings: line.holdings, tasks: remoteTaskService(connection.transport, { namespace }) };
  };
  const there = async (task: { readonly id: string }): Promise<TaskService> => (await reach(task)).tasks;
  return {
    create: (request, options) =>
      pool.create(namespace, request, ({ transport }) =>
        remoteTaskService(transport, { namespace }).create(request, options),
      ),
    start: async (process, options) => (await there(process)).start(process, options),
    delete: async (process, options) => {
      const deleted = await (await there(process)).delete(process, options);
      // No event tells the end of an exec.
      if (process.execId) table.remove(namespace, process);
      return deleted;
    },
    state: async (process, options) => {
      const tasks = await there(process);
      // Of an exec, events do not tell the streams.
      const known = process.execId ? undefined : table.get(namespace, process);
      return known ?? tasks.state(process, options);
    },
    pids: async (id, options) => (await there({ id })).pids(id, options),
    pause: async (id, options) => (await there({ id })).pause(id, options),
    resume: async (id, options) => (await there({ id })).resume(id, options),
    checkpoint: async (request, options) => (await there(request)).checkpoint(request, options),
    kill: async (request, options) => (await there(request)).kill(request, options),
    exec: async (request, options) => (await there(request)).exec(request, options),
    resizePty: async (request, options) => (await there(request)).resizePty(request, options),
    closeIO: async (process, options) => {
      const { tasks, holdings } = await reach(process);
      // First, so that it ends even if the answer is not waited for.
      holdings.endInput(namespace, process);
      try {
        await tasks.closeIO(process, options);
      } finally {
        holdings.receive();
      }
    },
    update: async (request, options) => (await there(request)).update(request, options),
    wait: async (process, options: CallOptions = {}) => {
      const tasks = await there(process);
      // A supervisor that has just taken the task over may not have told of it.
      const isKnown = table.ownerOf(namespace, process.id) !== undefined;
      return isKnown ? table.wait(namespace, process, options) : tasks.wait(process, options);
    },
    stats: async (id, options) => (await there({ id })).stats(id, options),
    connect: async (id, options) => (await there({ id })).connect(id, options),
    shutdown: async () => {},
  };
}

function missing(namespace: string, id: string): Fault {
  return new Fault('not_found', `task ${id}: there is none in namespace ${namespace}`);
}
