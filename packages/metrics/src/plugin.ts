import { contentSlot } from '@stowage/content';
import { DisposalStack, live, optional, type Plugin, plugin, Skip } from '@stowage/core';
import { metadataSlot } from '@stowage/metadata';
import { namespaceServiceSlot } from '@stowage/namespaces';
import { operationsSlot } from '@stowage/operations';
import { runtimeSlot } from '@stowage/runtime';
import { snapshotterSlot } from '@stowage/snapshots';
import { taskServiceSlot } from '@stowage/tasks';
import { buildCollector } from './collectors/build.ts';
import { containersCollector } from './collectors/containers.ts';
import { contentCollector } from './collectors/content.ts';
import { GarbageCollector } from './collectors/garbage.ts';
import { operationsCollector } from './collectors/operations.ts';
import { ProcessCollector } from './collectors/process.ts';
import { runtimesCollector } from './collectors/runtimes.ts';
import { snapshotsCollector } from './collectors/snapshots.ts';
import { tasksCollector } from './collectors/tasks.ts';
import { METRICS_DEFAULTS, parseMetricsConfig } from './config.ts';
import { Figures, metricsSlot } from './metrics.ts';
import { serveMetrics } from './serve.ts';

/**
 * Serves figures for Prometheus where `address` says, which by default is nowhere.
 *
 * @param build - what is told of the program.
 */
export function metricsPlugin(build: { readonly version: string; readonly revision: string }): Plugin {
  return plugin({
    slot: metricsSlot,
    id: 'metrics',
    config: parseMetricsConfig,
    defaults: METRICS_DEFAULTS,
    needs: {
      content: optional(contentSlot),
      snapshotters: live(snapshotterSlot),
      metadata: optional(metadataSlot),
      namespaces: optional(namespaceServiceSlot),
      tasks: optional(taskServiceSlot),
      operations: optional(operationsSlot),
      runtimes: live(runtimeSlot),
    },
    async start({ config: { address, grpcHistogram: histogram }, needs, exports, log }) {
      if (address === undefined)
        throw new Skip('no address to serve metrics on is configured', { unwanted: true });
      const { content, snapshotters, metadata, namespaces, tasks, operations, runtimes } = needs;
      await using held = new DisposalStack();
      const figures = held.use(new Figures({ histogram, log }));
      figures.add(buildCollector(build));
      figures.add(held.use(new ProcessCollector()));
      if (content !== undefined) figures.add(contentCollector(content));
      figures.add(snapshotsCollector(snapshotters));
      if (metadata !== undefined) figures.add(held.use(new GarbageCollector(metadata)));
      if (operations !== undefined) figures.add(operationsCollector(operations));
      figures.add(runtimesCollector(runtimes));
      if (namespaces !== undefined && tasks !== undefined) {
        figures.add(tasksCollector(namespaces, tasks));
        figures.add(containersCollector(namespaces, tasks));
      }
      const server = held.use(await serveMetrics(address, figures, log));
      exports.set('address', server.address);
      log.info({ address: server.address }, 'serving metrics');
      const stack = held.move();
      return {
        calls: figures.calls,
        add: (collector) => figures.add(collector),
        [Symbol.asyncDispose]: () => stack.disposeAsync(),
      };
    },
  });
}
