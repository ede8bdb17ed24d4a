import { MetricsSchema as MetricsV1Schema } from '@stowage/api/cgroups/v1';
import { MetricsSchema as MetricsV2Schema } from '@stowage/api/cgroups/v2';
import type { TypedBytes } from '@stowage/core';
import type { CgroupStats } from '@stowage/linux/cgroup';
import { packMessage } from '@stowage/rpc';
import { metricsV1 } from './metrics-v1.ts';
import { metricsV2 } from './metrics-v2.ts';

/** A cgroup's counters as `io.containerd.cgroups.v1.Metrics` or `…v2.Metrics`. */
export function packMetrics(stats: CgroupStats): TypedBytes {
  return stats.version === 1
    ? packMessage(MetricsV1Schema, metricsV1(stats))
    : packMessage(MetricsV2Schema, metricsV2(stats));
}
