import { Task as TaskV2 } from '@stowage/api/task/v2';
import { Task } from '@stowage/api/task/v3';
import type { Scoped } from '@stowage/core';
import { anyOf, type Routes, scopeOf, serviceRoutes, typedBytesOf } from '@stowage/rpc';
import {
  createTaskFromWire,
  deletedToWire,
  execFromWire,
  exitToWire,
  processFromWire,
  processInfoToWire,
  stateToWire,
} from './convert.ts';
import type { TaskService } from './task-service.ts';

export { stateToWire } from './convert.ts';

/**
 * Offers the tasks of a runtime as `containerd.task.v3.Task`, or as version 2, which has the same methods and messages
 * under names of its own.
 */
export function taskRoutes(scoped: Scoped<TaskService>, version: 2 | 3 = 3): Routes {
  const service = version === 2 ? (TaskV2 as unknown as typeof Task) : Task;
  const tasks = (context: { readonly requestHeader: Headers }) => scoped(scopeOf(context));
  return serviceRoutes(service, {
    state: async (request, context) => {
      return stateToWire(await tasks(context).state(processFromWire(request), context));
    },
    create: (request, context) => tasks(context).create(createTaskFromWire(request), context),
    start: (request, context) => tasks(context).start(processFromWire(request), context),
    delete: async (request, context) => {
      return deletedToWire(await tasks(context).delete(processFromWire(request), context));
    },
    pids: async ({ id }, context) => {
      const processes = await tasks(context).pids(id, context);
      return { processes: processes.map(processInfoToWire) };
    },
    pause: async ({ id }, context) => {
      await tasks(context).pause(id, context);
      return {};
    },
    resume: async ({ id }, context) => {
      await tasks(context).resume(id, context);
      return {};
    },
    checkpoint: async ({ id, path, options }, context) => {
      await tasks(context).checkpoint({ id, path, options: typedBytesOf(options) }, context);
      return {};
    },
    kill: async (request, context) => {
      const { signal, all } = request;
      await tasks(context).kill({ ...processFromWire(request), signal, all }, context);
      return {};
    },
    exec: async (request, context) => {
      await tasks(context).exec(execFromWire(request), context);
      return {};
    },
    resizePty: async (request, context) => {
      const { width, height } = request;
      await tasks(context).resizePty({ ...processFromWire(request), width, height }, context);
      return {};
    },
    closeIO: async (request, context) => {
      if (request.stdin) await tasks(context).closeIO(processFromWire(request), context);
      return {};
    },
    update: async ({ id, resources, annotations }, context) => {
      await tasks(context).update({ id, resources: typedBytesOf(resources), annotations }, context);
      return {};
    },
    wait: async (request, context) => {
      return exitToWire(await tasks(context).wait(processFromWire(request), context));
    },
    stats: async ({ id }, context) => ({ stats: anyOf(await tasks(context).stats(id, context)) }),
    connect: (request, context) => tasks(context).connect(request.id, context),
    shutdown: async (request, context) => {
      const { id, now } = request;
      await tasks(context).shutdown({ id, now }, context);
      return {};
    },
  });
}
