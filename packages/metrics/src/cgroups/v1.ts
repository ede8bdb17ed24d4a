import type { BlkIOEntry, BlkIOStat, MemoryEntry, MemoryStat, Metrics } from '@stowage/api/cgroups/v1';
import type { Figure } from './figure.ts';

type Field<M, T> = { [K in keyof M]-?: M[K] extends T ? K : never }[keyof M];

const MEMORY: Readonly<Record<string, Field<MemoryStat, bigint>>> = {
  cache: 'cache',
  rss: 'rss',
  rss_huge: 'rssHuge',
  mapped_file: 'mappedFile',
  dirty: 'dirty',
  writeback: 'writeback',
  pgpgin: 'pgPgIn',
  pgpgout: 'pgPgOut',
  pgfault: 'pgFault',
  pgmajfault: 'pgMajFault',
  inactive_anon: 'inactiveAnon',
  active_anon: 'activeAnon',
  inactive_file: 'inactiveFile',
  active_file: 'activeFile',
  unevictable: 'unevictable',
  hierarchical_memory_limit: 'hierarchicalMemoryLimit',
  hierarchical_memsw_limit: 'hierarchicalSwapLimit',
  total_cache: 'totalCache',
  total_rss: 'totalRss',
  total_rss_huge: 'totalRssHuge',
  total_mapped_file: 'totalMappedFile',
  total_dirty: 'totalDirty',
  total_writeback: 'totalWriteback',
  total_pgpgin: 'totalPgPgIn',
  total_pgpgout: 'totalPgPgOut',
  total_pgfault: 'totalPgFault',
  total_pgmajfault: 'totalPgMajFault',
  total_inactive_anon: 'totalInactiveAnon',
  total_active_anon: 'totalActiveAnon',
  total_inactive_file: 'totalInactiveFile',
  total_active_file: 'totalActiveFile',
  total_unevictable: 'totalUnevictable',
};

const ENTRIES = { usage: 'usage', swap: 'swap', kernel: 'kernel', kerneltcp: 'kernelTcp' } as const;

const BLKIO: Readonly<Record<string, Field<BlkIOStat, BlkIOEntry[]>>> = {
  io_merged_recursive_total: 'ioMergedRecursive',
  io_queued_recursive_total: 'ioQueuedRecursive',
  io_service_bytes_recursive_bytes: 'ioServiceBytesRecursive',
  io_service_time_recursive_total: 'ioServiceTimeRecursive',
  io_serviced_recursive_total: 'ioServicedRecursive',
  io_time_recursive_total: 'ioTimeRecursive',
  sectors_recursive_total: 'sectorsRecursive',
};

/** What is counted in bytes and what is not is containerd's, wrong as it may be: dashboards have these names. */
const memory = Object.entries(MEMORY).map(
  ([name, field]): Figure<Metrics> => ({
    name: `memory_${name}_bytes`,
    help: `The ${name} amount`,
    values: (of) => of.memory?.[field],
  }),
);

const entries = Object.entries(ENTRIES).flatMap(([name, field]): Figure<Metrics>[] => {
  const one = (what: string, unit: string, value: (entry: MemoryEntry) => bigint): Figure<Metrics> => ({
    name: `memory_${name}_${what}_${unit}`,
    help: `The ${name} ${what}`,
    values: ({ memory: of }) => of?.[field] && value(of[field]),
  });
  return [
    one('failcnt', 'total', ({ failcnt }) => failcnt),
    one('limit', 'bytes', ({ limit }) => limit),
    one('max', 'bytes', ({ max }) => max),
    one('usage', 'bytes', ({ usage }) => usage),
  ];
});

const hugetlb = (['usage', 'failcnt', 'max'] as const).map(
  (field): Figure<Metrics> => ({
    name: `hugetlb_${field}_${field === 'failcnt' ? 'total' : 'bytes'}`,
    help: `The hugetlb ${field}`,
    values: (of) => of.hugetlb.map((stat) => ({ labels: { page: stat.pagesize }, value: stat[field] })),
  }),
);

const blkio = Object.entries(BLKIO).map(
  ([name, field]): Figure<Metrics> => ({
    name: `blkio_${name}`,
    help: `The blkio ${name.replace(/_(total|bytes)$/, '').replaceAll('_', ' ')}`,
    values: (of) =>
      (of.blkio?.[field] ?? []).map(({ op, device, major, minor, value }) => ({
        labels: { op, device, major: String(major), minor: String(minor) },
        value,
      })),
  }),
);

/**
 * Figures of v1 controllers, named as containerd names them.
 *
 * @see containerd core/metrics/cgroups/v1
 */
export const figuresV1: ReadonlyArray<Figure<Metrics>> = [
  { name: 'pids_limit', help: 'The limit to the number of pids allowed', values: (of) => of.pids?.limit },
  { name: 'pids_current', help: 'The current number of pids', values: (of) => of.pids?.current },
  { name: 'cpu_total_nanoseconds', help: 'The total cpu time', values: (of) => of.cpu?.usage?.total },
  {
    name: 'cpu_kernel_nanoseconds',
    help: 'The total kernel cpu time',
    values: (of) => of.cpu?.usage?.kernel,
  },
  { name: 'cpu_user_nanoseconds', help: 'The total user cpu time', values: (of) => of.cpu?.usage?.user },
  {
    name: 'per_cpu_nanoseconds',
    help: 'The total cpu time per cpu',
    values: (of) => of.cpu?.usage?.perCpu.map((value, at) => ({ labels: { cpu: String(at) }, value })),
  },
  {
    name: 'cpu_throttle_periods_total',
    help: 'The total cpu throttle periods',
    values: (of) => of.cpu?.throttling?.periods,
  },
  {
    name: 'cpu_throttled_periods_total',
    help: 'The total cpu throttled periods',
    values: (of) => of.cpu?.throttling?.throttledPeriods,
  },
  {
    name: 'cpu_throttled_time_nanoseconds',
    help: 'The total cpu throttled time',
    values: (of) => of.cpu?.throttling?.throttledTime,
  },
  ...memory,
  ...entries,
  {
    name: 'memory_oom_total',
    help: 'The number of times a container has received an oom event',
    values: (of) => of.memoryOomControl?.oomKill,
  },
  ...hugetlb,
  ...blkio,
];
