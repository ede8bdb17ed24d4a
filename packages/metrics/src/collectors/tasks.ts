import type { Scoped } from '@stowage/core';
import type { NamespaceStore } from '@stowage/namespaces';
import type { Tasks } from '@stowage/tasks';
import type { Collector } from '../collector.ts';
import type { Sample } from '../exposition.ts';

/** Tasks, by namespace and status. */
export function tasksCollector(namespaces: NamespaceStore, tasks: Scoped<Tasks>): Collector {
  return {
    name: 'tasks',
    async collect(options) {
      const samples: Sample[] = [];
      for await (const { name: namespace } of namespaces.list(options)) {
        const counts = new Map<string, number>();
        for await (const { status } of tasks({ namespace }).list(options))
          counts.set(status, (counts.get(status) ?? 0) + 1);
        for (const [status, value] of counts) samples.push({ labels: { namespace, status }, value });
      }
      return [{ name: 'stowage_tasks', help: 'Tasks by namespace and status.', type: 'gauge', samples }];
    },
  };
}
