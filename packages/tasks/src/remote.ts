import type { Transport } from '@connectrpc/connect';
import { type DeleteResponse, Tasks as TasksService, type WaitResponse } from '@stowage/api/tasks/v1';
import { Fault, type Scope } from '@stowage/core';
import {
  anyOf,
  dateOf,
  descriptorFromWire,
  descriptorToWire,
  mountToWire,
  rpcClient,
  typedBytesOf,
} from '@stowage/rpc';
import type { Exit } from '@stowage/runtime';
import { processFromWire } from './convert.ts';
import type { DeletedProcess, Process, Tasks } from './tasks.ts';

/** Tasks of another daemon, ours or containerd. */
export function remoteTasks(transport: Transport, scope: Scope): Tasks {
  const rpc = rpcClient(TasksService, transport, scope);
  return {
    async create({ rootfs, checkpoint, options, taskApi, ...same }, o) {
      const { pid } = await rpc.create(
        {
          ...withoutUndefined(same),
          ...(taskApi && { taskApiAddress: taskApi.address, taskApiVersion: taskApi.version }),
          rootfs: rootfs.map(mountToWire),
          ...(options && { options: anyOf(options) }),
          ...(checkpoint && { checkpoint: descriptorToWire(checkpoint) }),
        },
        o,
      );
      return { pid };
    },
    async start(process, o) {
      const { pid } = await rpc.start(withoutUndefined(process), o);
      return { pid };
    },
    delete: async (containerId, o) => deletedFrom(await rpc.delete({ containerId }, o)),
    deleteProcess: async (process, o) =>
      deletedFrom(
        await rpc.deleteProcess({ containerId: process.containerId, execId: process.execId ?? '' }, o),
      ),
    async get(request, o) {
      const { process } = await rpc.get(withoutUndefined(request), o);
      if (process === undefined) throw new Fault('internal', `get task ${request.containerId}: empty answer`);
      return named(processFromWire(process), request.containerId);
    },
    async *list(o) {
      const { tasks } = await rpc.list({}, o);
      for (const task of tasks) yield named(processFromWire(task), task.id);
    },
    async kill(request, o) {
      await rpc.kill(withoutUndefined(request), o);
    },
    async exec({ spec, ...same }, o) {
      await rpc.exec({ ...same, ...(spec && { spec: anyOf(spec) }) }, o);
    },
    async resizePty(request, o) {
      await rpc.resizePty(withoutUndefined(request), o);
    },
    async closeIO(process, o) {
      await rpc.closeIO({ ...withoutUndefined(process), stdin: true }, o);
    },
    async pause(containerId, o) {
      await rpc.pause({ containerId }, o);
    },
    async resume(containerId, o) {
      await rpc.resume({ containerId }, o);
    },
    async pids(containerId, o) {
      const { processes } = await rpc.listPids({ containerId }, o);
      return processes.map(({ pid, info }) => ({ pid, info: typedBytesOf(info) }));
    },
    async checkpoint({ containerId, options }, o) {
      const { descriptors } = await rpc.checkpoint(
        { containerId, ...(options && { options: anyOf(options) }) },
        o,
      );
      return descriptors.map((d) => descriptorFromWire(d));
    },
    async update({ containerId, resources, annotations }, o) {
      const some = resources && { resources: anyOf(resources) };
      await rpc.update({ containerId, ...some, annotations: { ...annotations } }, o);
    },
    async *metrics(filters = [], o) {
      const { metrics } = await rpc.metrics({ filters: [...filters] }, o);
      for (const { id, timestamp, data } of metrics) {
        const bytes = typedBytesOf(data);
        if (bytes !== undefined) yield { id, timestamp: dateOf(timestamp) ?? new Date(0), data: bytes };
      }
    },
    wait: async (process, o) => exitFrom(await rpc.wait(withoutUndefined(process), o)),
  };
}

function exitFrom({ exitStatus, exitedAt }: WaitResponse | DeleteResponse): Exit {
  return { exitStatus, exitedAt: dateOf(exitedAt) ?? new Date(0) };
}

function deletedFrom(response: DeleteResponse): DeletedProcess {
  return { id: response.id, pid: response.pid, ...exitFrom(response) };
}

/** Message initialisers take no undefined. */
function withoutUndefined<T extends object>(value: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  const entries = Object.entries(value).filter(([, v]) => v !== undefined);
  return Object.fromEntries(entries) as { [K in keyof T]: Exclude<T[K], undefined> };
}

/** containerd names a process by its own id alone. */
function named(process: Process, containerId: string): Process {
  return process.containerId === '' ? { ...process, containerId } : process;
}
