import type { Transport } from '@connectrpc/connect';
import { Task } from '@stowage/api/task/v3';
import { Fault, type Scope } from '@stowage/core';
import { anyOf, rpcClient, typedBytesOf } from '@stowage/rpc';
import {
  createTaskToWire,
  execToWire,
  exitFromWire,
  processInfoFromWire,
  processToWire,
  stateFromWire,
} from './convert.ts';
import type { TaskService } from './task-service.ts';

export { stateFromWire } from './convert.ts';

/** One namespace's tasks of a runtime behind any Connect transport: a shim, or a supervisor. */
export function remoteTaskService(transport: Transport, scope: Scope): TaskService {
  const rpc = rpcClient(Task, transport, scope);
  return {
    async create(request, { signal } = {}) {
      const { pid } = await rpc.create(createTaskToWire(request), { signal });
      return { pid };
    },
    async start(process, { signal } = {}) {
      const { pid } = await rpc.start(processToWire(process), { signal });
      return { pid };
    },
    async delete(process, { signal } = {}) {
      const deleted = await rpc.delete(processToWire(process), { signal });
      return { pid: deleted.pid, ...exitFromWire(deleted) };
    },
    async state(process, { signal } = {}) {
      return stateFromWire(await rpc.state(processToWire(process), { signal }));
    },
    async pids(id, { signal } = {}) {
      const { processes } = await rpc.pids({ id }, { signal });
      return processes.map(processInfoFromWire);
    },
    async pause(id, { signal } = {}) {
      await rpc.pause({ id }, { signal });
    },
    async resume(id, { signal } = {}) {
      await rpc.resume({ id }, { signal });
    },
    async checkpoint({ id, path, options }, { signal } = {}) {
      await rpc.checkpoint({ id, path, ...(options && { options: anyOf(options) }) }, { signal });
    },
    async kill({ signal: number, all = false, ...process }, { signal } = {}) {
      await rpc.kill({ ...processToWire(process), signal: number, all }, { signal });
    },
    async exec(request, { signal } = {}) {
      await rpc.exec(execToWire(request), { signal });
    },
    async resizePty({ width, height, ...process }, { signal } = {}) {
      await rpc.resizePty({ ...processToWire(process), width, height }, { signal });
    },
    async closeIO(process, { signal } = {}) {
      await rpc.closeIO({ ...processToWire(process), stdin: true }, { signal });
    },
    async update({ id, resources, annotations }, { signal } = {}) {
      const what = resources && { resources: anyOf(resources) };
      await rpc.update({ id, ...what, annotations: { ...annotations } }, { signal });
    },
    async wait(process, { signal } = {}) {
      return exitFromWire(await rpc.wait(processToWire(process), { signal }));
    },
    async stats(id, { signal } = {}) {
      const stats = typedBytesOf((await rpc.stats({ id }, { signal })).stats);
      if (stats === undefined) throw new Fault('unavailable', `stats of ${id}: the runtime told none`);
      return stats;
    },
    async connect(id, { signal } = {}) {
      const { shimPid, taskPid, version } = await rpc.connect({ id }, { signal });
      return { shimPid, taskPid, version };
    },
    async shutdown({ id, now = false }, { signal } = {}) {
      await rpc.shutdown({ id, now }, { signal });
    },
  };
}
