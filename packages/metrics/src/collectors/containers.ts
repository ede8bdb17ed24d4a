import { type Metrics as MetricsV1, MetricsSchema as MetricsV1Schema } from '@stowage/api/cgroups/v1';
import { type Metrics as MetricsV2, MetricsSchema as MetricsV2Schema } from '@stowage/api/cgroups/v2';
import type { Scoped } from '@stowage/core';
import type { NamespaceStore } from '@stowage/namespaces';
import { unpackMessage } from '@stowage/rpc';
import type { Tasks } from '@stowage/tasks';
import { type Counted, familiesOf } from '../cgroups/figure.ts';
import { figuresV1 } from '../cgroups/v1.ts';
import { figuresV2 } from '../cgroups/v2.ts';
import type { Collector } from '../collector.ts';

/**
 * What containers use, from their cgroups, as containerd tells it. What a runtime tells in another form, such as one for
 * virtual machines, is left out.
 *
 * @see containerd core/metrics/cgroups
 */
export function containersCollector(namespaces: NamespaceStore, tasks: Scoped<Tasks>): Collector {
  return {
    name: 'containers',
    async collect(options) {
      const v1: Counted<MetricsV1>[] = [];
      const v2: Counted<MetricsV2>[] = [];
      for await (const { name: namespace } of namespaces.list(options)) {
        for await (const { id, data } of tasks({ namespace }).metrics([], options)) {
          const { typeUrl } = data;
          if (typeUrl.endsWith(MetricsV1Schema.typeName))
            v1.push({ namespace, id, stats: unpackMessage(MetricsV1Schema, data) });
          else if (typeUrl.endsWith(MetricsV2Schema.typeName))
            v2.push({ namespace, id, stats: unpackMessage(MetricsV2Schema, data) });
        }
      }
      // A name must not come twice, and no machine counts by both.
      return v2.length > 0 ? familiesOf(figuresV2, v2) : familiesOf(figuresV1, v1);
    },
  };
}
