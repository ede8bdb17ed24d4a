import type { CPUStat, IOEntry, MemoryStat, Metrics } from '@stowage/api/cgroups/v2';
import type { Figure } from './figure.ts';

type Field<M, T> = { [K in keyof M]-?: M[K] extends T ? K : never }[keyof M];

const CPU: Readonly<Record<string, readonly [Field<CPUStat, bigint>, string]>> = {
  cpu_usage_usec_microseconds: ['usageUsec', 'Total cpu usage (cgroup v2)'],
  cpu_user_usec_microseconds: ['userUsec', 'Current cpu usage in user space (cgroup v2)'],
  cpu_system_usec_microseconds: ['systemUsec', 'Current cpu usage in kernel space (cgroup v2)'],
  cpu_nr_periods_total: ['nrPeriods', 'Current cpu number of periods (only if controller is enabled)'],
  cpu_nr_throttled_total: ['nrThrottled', 'Total number of times tasks have been throttled'],
  cpu_throttled_usec_microseconds: [
    'throttledUsec',
    'Total time duration for which tasks have been throttled',
  ],
};

const MEMORY: Readonly<Record<string, Field<MemoryStat, bigint>>> = {
  usage: 'usage',
  usage_limit: 'usageLimit',
  swap_usage: 'swapUsage',
  swap_limit: 'swapLimit',
  file_mapped: 'fileMapped',
  file_dirty: 'fileDirty',
  file_writeback: 'fileWriteback',
  pgactivate: 'pgactivate',
  pgdeactivate: 'pgdeactivate',
  pgfault: 'pgfault',
  pgmajfault: 'pgmajfault',
  pglazyfree: 'pglazyfree',
  pgrefill: 'pgrefill',
  pglazyfreed: 'pglazyfreed',
  pgscan: 'pgscan',
  pgsteal: 'pgsteal',
  inactive_anon: 'inactiveAnon',
  active_anon: 'activeAnon',
  inactive_file: 'inactiveFile',
  active_file: 'activeFile',
  unevictable: 'unevictable',
  anon: 'anon',
  file: 'file',
  kernel_stack: 'kernelStack',
  slab: 'slab',
  sock: 'sock',
  shmem: 'shmem',
  anon_thp: 'anonThp',
  slab_reclaimable: 'slabReclaimable',
  slab_unreclaimable: 'slabUnreclaimable',
  workingset_refault: 'workingsetRefault',
  workingset_activate: 'workingsetActivate',
  workingset_nodereclaim: 'workingsetNodereclaim',
  thp_fault_alloc: 'thpFaultAlloc',
  thp_collapse_alloc: 'thpCollapseAlloc',
};

const IO: Readonly<Record<string, readonly [Field<IOEntry, bigint>, string]>> = {
  io_rbytes_bytes: ['rbytes', 'IO bytes read'],
  io_wbytes_bytes: ['wbytes', 'IO bytes written'],
  io_rios_total: ['rios', 'Number of read IOs'],
  io_wios_total: ['wios', 'Number of write IOs'],
};

const cpu = Object.entries(CPU).map(
  ([name, [field, help]]): Figure<Metrics> => ({ name, help, values: (of) => of.cpu?.[field] }),
);

/** What is counted in bytes and what is not is containerd's, wrong as it may be: dashboards have these names. */
const memory = Object.entries(MEMORY).map(
  ([name, field]): Figure<Metrics> => ({
    name: `memory_${name}_bytes`,
    help: `The ${name} amount`,
    values: (of) => of.memory?.[field],
  }),
);

const io = Object.entries(IO).map(
  ([name, [field, help]]): Figure<Metrics> => ({
    name,
    help,
    values: (of) =>
      of.io?.usage.map((entry) => ({
        labels: { major: String(entry.major), minor: String(entry.minor) },
        value: entry[field],
      })),
  }),
);

/**
 * Figures of the v2 hierarchy, named as containerd names them.
 *
 * @see containerd core/metrics/cgroups/v2
 */
export const figuresV2: ReadonlyArray<Figure<Metrics>> = [
  { name: 'pids_limit', help: 'The limit to the number of pids allowed', values: (of) => of.pids?.limit },
  { name: 'pids_current', help: 'The current number of pids', values: (of) => of.pids?.current },
  ...cpu,
  ...memory,
  {
    name: 'memory_oom_total',
    help: 'The number of times a container has received an oom event',
    values: (of) => of.memoryEvents?.oom,
  },
  ...io,
];
