import { containerServiceSlot } from '@stowage/containers';
import { contentServiceSlot } from '@stowage/content';
import { all, noConfig, optional, type Plugin, plugin, type Slot } from '@stowage/core';
import { mountServiceSlot } from '@stowage/mounts';
import { grpcSlot } from '@stowage/rpc';
import { runtimeSlot } from '@stowage/runtime';
import { chosenRuntimes, routerConfig, serviceConfig } from './config.ts';
import { TaskRouter } from './router.ts';
import { taskRoutes } from './service.ts';
import { taskServiceSlot } from './tasks.ts';

/** The router, under the name by which clients look up what runs containers. */
export const taskRouterSlot: Slot<TaskRouter> = { type: 'io.containerd.runtime.v2', id: 'task', api: 1 };

export const taskRouterPlugin: Plugin = plugin({
  slot: taskRouterSlot,
  id: 'task',
  config: routerConfig,
  defaults: { runtimes: {} },
  needs: {
    containers: containerServiceSlot,
    content: optional(contentServiceSlot),
    runtimes: all(runtimeSlot),
    mounts: optional(mountServiceSlot),
  },
  start: ({ state, config, needs: { containers, content, runtimes, mounts }, exports, log }) => {
    exports.set('log-uri-schemes', 'fifo,binary,binary-v2,file');
    const chosen = chosenRuntimes(config, runtimes);
    const router = new TaskRouter({
      state,
      containers,
      content,
      runtimes: [...runtimes.values()],
      chosen,
      mounts,
      log,
    });
    // Takes as long as runtimes need to answer, and nobody waits for it.
    void router.removeOrphans();
    return router;
  },
});

export const tasksServicePlugin: Plugin = plugin({
  slot: taskServiceSlot,
  id: 'tasks-service',
  config: serviceConfig,
  needs: { router: taskRouterSlot },
  start: ({ needs }) => needs.router.scope,
});

export const tasksGrpcPlugin: Plugin = plugin({
  slot: grpcSlot,
  id: 'tasks',
  config: noConfig,
  needs: { tasks: taskServiceSlot },
  start: ({ needs }) => taskRoutes(needs.tasks),
});
