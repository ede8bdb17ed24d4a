import { create } from '@bufbuild/protobuf';
import { DeleteResponseSchema, Tasks as TasksService } from '@stowage/api/tasks/v1';
import { Fault, type Scoped } from '@stowage/core';
import {
  anyOf,
  descriptorToWire,
  type Routes,
  scopeOf,
  serviceRoutes,
  timestampOf,
  typedBytesOf,
} from '@stowage/rpc';
import { newExecFrom, newTaskFrom, processFrom, processToWire } from './convert.ts';
import type { DeletedProcess, Tasks } from './tasks.ts';

/** Offers tasks as `containerd.services.tasks.v1.Tasks`. */
export function taskRoutes(tasks: Scoped<Tasks>): Routes {
  return serviceRoutes(TasksService, {
    create: async (request, context) => {
      const { pid } = await tasks(scopeOf(context)).create(newTaskFrom(request), context);
      return { containerId: request.containerId, pid };
    },
    start: (request, context) => tasks(scopeOf(context)).start(processFrom(request), context),
    delete: async ({ containerId }, context) =>
      deleted(await tasks(scopeOf(context)).delete(containerId, context)),
    deleteProcess: async ({ containerId, execId }, context) => {
      if (execId === '')
        throw new Fault('invalid_argument', `delete process of ${containerId}: exec id is required`);
      return deleted(await tasks(scopeOf(context)).deleteProcess({ containerId, execId }, context));
    },
    get: async (request, context) => ({
      process: processToWire(await tasks(scopeOf(context)).get(processFrom(request), context)),
    }),
    list: async (_, context) => ({
      tasks: await Array.fromAsync(tasks(scopeOf(context)).list(context), processToWire),
    }),
    kill: async (request, context) => {
      const { signal, all } = request;
      await tasks(scopeOf(context)).kill({ ...processFrom(request), signal, all }, context);
      return {};
    },
    exec: async (request, context) => {
      await tasks(scopeOf(context)).exec(newExecFrom(request), context);
      return {};
    },
    resizePty: async (request, context) => {
      const { width, height } = request;
      await tasks(scopeOf(context)).resizePty({ ...processFrom(request), width, height }, context);
      return {};
    },
    closeIO: async (request, context) => {
      if (request.stdin) await tasks(scopeOf(context)).closeIO(processFrom(request), context);
      return {};
    },
    pause: async ({ containerId }, context) => {
      await tasks(scopeOf(context)).pause(containerId, context);
      return {};
    },
    resume: async ({ containerId }, context) => {
      await tasks(scopeOf(context)).resume(containerId, context);
      return {};
    },
    listPids: async ({ containerId }, context) => {
      const processes = await tasks(scopeOf(context)).pids(containerId, context);
      return { processes: processes.map(({ pid, info }) => (info ? { pid, info: anyOf(info) } : { pid })) };
    },
    checkpoint: async ({ containerId, options }, context) => {
      const request = { containerId, options: typedBytesOf(options) };
      const descriptors = await tasks(scopeOf(context)).checkpoint(request, context);
      return { descriptors: descriptors.map(descriptorToWire) };
    },
    update: async ({ containerId, resources, annotations }, context) => {
      const request = { containerId, resources: typedBytesOf(resources), annotations };
      await tasks(scopeOf(context)).update(request, context);
      return {};
    },
    metrics: async ({ filters }, context) => ({
      metrics: await Array.fromAsync(
        tasks(scopeOf(context)).metrics(filters, context),
        ({ id, timestamp, data }) => ({ id, timestamp: timestampOf(timestamp), data: anyOf(data) }),
      ),
    }),
    wait: async (request, context) => {
      const { exitStatus, exitedAt } = await tasks(scopeOf(context)).wait(processFrom(request), context);
      return { exitStatus, exitedAt: timestampOf(exitedAt) };
    },
  });
}

function deleted({ id, pid, exitStatus, exitedAt }: DeletedProcess) {
  return create(DeleteResponseSchema, { id, pid, exitStatus, exitedAt: timestampOf(exitedAt) });
}
