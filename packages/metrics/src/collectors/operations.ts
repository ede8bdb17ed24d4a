import type { Operations } from '@stowage/operations';
import type { Collector } from '../collector.ts';

/** What goes on: pulls, pushes, unpackings, garbage collections, ... */
export function operationsCollector(operations: Operations): Collector {
  return {
    name: 'operations',
    async collect(options) {
      const counts = new Map<string, number>();
      const running = operations.scope({ namespace: '' }).list(['state==running'], options);
      for await (const { kind } of running) counts.set(kind, (counts.get(kind) ?? 0) + 1);
      const kinds = [...counts].map(([kind, value]) => ({ labels: { kind }, value }));
      return [
        { name: 'stowage_operations', help: 'Operations under way, by kind.', type: 'gauge', samples: kinds },
      ];
    },
  };
}
