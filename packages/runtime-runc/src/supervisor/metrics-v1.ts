import type { MessageInitShape } from '@bufbuild/protobuf';
import {
  type BlkIOStatSchema,
  MemoryOomControlSchema,
  MemoryStatSchema,
  type MetricsSchema,
} from '@stowage/api/cgroups/v1';
import type { BlkioEntry, CgroupStatsV1, MemoryUsageV1 } from '@stowage/linux/cgroup';
import { flatFields } from './flat-fields.ts';

type Metrics = MessageInitShape<typeof MetricsSchema>;
type Present<K extends keyof CgroupStatsV1> = NonNullable<CgroupStatsV1[K]>;

/** @see github.com/containerd/cgroups cgroup1 */
export function metricsV1({ cpu, memory, pids, blkio, hugetlb }: CgroupStatsV1): Metrics {
  return {
    hugetlb: hugetlb.map(({ pageSize, usage, max = 0n, failcnt }) => ({
      ...{ pagesize: pageSize, usage, max, failcnt },
    })),
    ...(pids && { pids: { current: pids.current, limit: pids.limit ?? 0n } }),
    ...(cpu && { cpu: cpuStat(cpu) }),
    ...(memory && {
      memory: memoryStat(memory),
      memoryOomControl: flatFields(MemoryOomControlSchema, memory.oomControl),
    }),
    ...(blkio && { blkio: blkioStat(blkio) }),
  };
}

function cpuStat(cpu: Present<'cpu'>): NonNullable<Metrics['cpu']> {
  const { totalNs = 0n, kernelNs = 0n, userNs = 0n, perCpuNs } = cpu;
  const { periods = 0n, throttledPeriods = 0n, throttledNs = 0n } = cpu;
  return {
    usage: { total: totalNs, kernel: kernelNs, user: userNs, perCpu: [...perCpuNs] },
    throttling: { periods, throttledPeriods, throttledTime: throttledNs },
  };
}

function memoryStat(memory: Present<'memory'>): NonNullable<Metrics['memory']> {
  const { stat, usage, swap, kernel, kernelTcp } = memory;
  return {
    ...flatFields(MemoryStatSchema, stat, kernelName),
    usage: memoryEntry(usage),
    ...(swap && { swap: memoryEntry(swap) }),
    ...(kernel && { kernel: memoryEntry(kernel) }),
    ...(kernelTcp && { kernelTcp: memoryEntry(kernelTcp) }),
  };
}

/** memory.stat says `pgpgin` and `hierarchical_memsw_limit` where the message has `pg_pg_in`, `hierarchical_swap_limit`. */
function kernelName(field: string): string {
  const name = field.replace('swap_limit', 'memsw_limit');
  return name.replace(/pg_(pg_in|pg_out|fault|maj_fault)$/, (match) => match.replaceAll('_', ''));
}

function memoryEntry({ limit = 0n, usage = 0n, max = 0n, failcnt = 0n }: MemoryUsageV1) {
  return { limit, usage, max, failcnt };
}

function blkioStat(blkio: Present<'blkio'>): MessageInitShape<typeof BlkIOStatSchema> {
  // A kernel counts in one family of files, by its I/O scheduler.
  const entries = (name: string) => {
    const found = [
      `${name}_recursive`,
      `bfq.${name}_recursive`,
      `throttle.${name}_recursive`,
      `throttle.${name}`,
    ];
    return (found.map((file) => blkio[file]).find((list) => list !== undefined) ?? []).map(blkioEntry);
  };
  return {
    ioServiceBytesRecursive: entries('io_service_bytes'),
    ioServicedRecursive: entries('io_serviced'),
    ioQueuedRecursive: entries('io_queued'),
    ioServiceTimeRecursive: entries('io_service_time'),
    ioWaitTimeRecursive: entries('io_wait_time'),
    ioMergedRecursive: entries('io_merged'),
    ioTimeRecursive: entries('time'),
    sectorsRecursive: entries('sectors'),
  };
}

function blkioEntry({ op, major, minor, value }: BlkioEntry) {
  return { op, major, minor, value };
}
