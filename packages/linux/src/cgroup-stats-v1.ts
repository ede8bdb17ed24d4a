import { join } from 'node:path';
import { readCgroupFile, readCount, readFlat } from './cgroup-files.ts';
import { type HugetlbStats, readHugetlb } from './cgroup-hugetlb.ts';
import type { CgroupPaths } from './cgroup-layout.ts';

/** One counter of a block device. */
export interface BlkioEntry {
  readonly major: bigint;
  readonly minor: bigint;
  /** `Read`, `Write`, `Sync`, `Async`, `Discard`, `Total`; empty where the file tells none apart. */
  readonly op: string;
  readonly value: bigint;
}

export interface MemoryUsageV1 {
  /** Bytes. The kernel's "no limit" is a number just below 2^63. */
  readonly limit: bigint | undefined;
  readonly usage: bigint | undefined;
  readonly max: bigint | undefined;
  /** How often the limit was met. */
  readonly failcnt: bigint | undefined;
}

/** What v1 controllers count. Undefined: the controller is not there. */
export interface CgroupStatsV1 {
  readonly version: 1;
  readonly cpu:
    | {
        readonly totalNs: bigint | undefined;
        /** To the tick (10 ms). */
        readonly userNs: bigint | undefined;
        readonly kernelNs: bigint | undefined;
        readonly perCpuNs: readonly bigint[];
        readonly periods: bigint | undefined;
        readonly throttledPeriods: bigint | undefined;
        readonly throttledNs: bigint | undefined;
      }
    | undefined;
  readonly memory:
    | {
        /** memory.stat as it is: `cache`, `total_rss`, ... */
        readonly stat: Readonly<Record<string, bigint>>;
        readonly usage: MemoryUsageV1;
        readonly swap: MemoryUsageV1 | undefined;
        readonly kernel: MemoryUsageV1 | undefined;
        readonly kernelTcp: MemoryUsageV1 | undefined;
        /** memory.oom_control: `oom_kill_disable`, `under_oom`, `oom_kill`. */
        readonly oomControl: Readonly<Record<string, bigint>>;
      }
    | undefined;
  /** `limit` undefined: none. */
  readonly pids: { readonly current: bigint; readonly limit: bigint | undefined } | undefined;
  /** By file name less `blkio.`: `throttle.io_service_bytes_recursive`, ... Only files that have entries. */
  readonly blkio: Readonly<Record<string, readonly BlkioEntry[]>> | undefined;
  readonly hugetlb: readonly HugetlbStats[];
}

const blkioFiles = [
  'io_service_bytes',
  'io_serviced',
  'io_queued',
  'io_service_time',
  'io_wait_time',
  'io_merged',
  'time',
  'sectors',
].flatMap((name) => [
  `${name}_recursive`,
  `bfq.${name}_recursive`,
  `throttle.${name}`,
  `throttle.${name}_recursive`,
]);

/** USER_HZ, which is 100 on every architecture served here. */
const NS_PER_TICK = 10_000_000n;

/** Reads all counters of the v1 controllers. */
export async function readStatsV1(paths: CgroupPaths): Promise<CgroupStatsV1> {
  const [cpu, memory, pids, blkio, hugetlb] = await Promise.all([
    readCpu(paths.v1.get('cpuacct'), paths.v1.get('cpu')),
    readMemory(paths.v1.get('memory')),
    readPids(paths.v1.get('pids')),
    readBlkio(paths.v1.get('blkio')),
    readHugetlb(paths.v1.get('hugetlb'), 'v1'),
  ]);
  return { version: 1, cpu, memory, pids, blkio, hugetlb };
}

async function readCpu(acct: string | undefined, cpu: string | undefined): Promise<CgroupStatsV1['cpu']> {
  if (acct === undefined && cpu === undefined) return undefined;
  const [total, stat, perCpu, throttling] = await Promise.all([
    acct === undefined ? undefined : readCount(join(acct, 'cpuacct.usage')),
    acct === undefined ? undefined : readFlat(join(acct, 'cpuacct.stat')),
    acct === undefined ? undefined : readCgroupFile(join(acct, 'cpuacct.usage_percpu')),
    cpu === undefined ? undefined : readFlat(join(cpu, 'cpu.stat')),
  ]);
  const ticks = (n: bigint | undefined) => (n === undefined ? undefined : n * NS_PER_TICK);
  return {
    totalNs: total,
    userNs: ticks(stat?.user),
    kernelNs: ticks(stat?.system),
    perCpuNs: perCpu?.split(' ').filter(Boolean).map(BigInt) ?? [],
    periods: throttling?.nr_periods,
    throttledPeriods: throttling?.nr_throttled,
    throttledNs: throttling?.throttled_time,
  };
}

async function readMemory(directory: string | undefined): Promise<CgroupStatsV1['memory']> {
  if (directory === undefined) return undefined;
  const [stat, usage, swap, kernel, kernelTcp, oomControl] = await Promise.all([
    readFlat(join(directory, 'memory.stat')),
    readUsage(directory, 'memory'),
    readUsage(directory, 'memory.memsw'),
    readUsage(directory, 'memory.kmem'),
    readUsage(directory, 'memory.kmem.tcp'),
    readFlat(join(directory, 'memory.oom_control')),
  ]);
  if (stat === undefined || usage === undefined) return undefined;
  return { stat, usage, swap, kernel, kernelTcp, oomControl: oomControl ?? {} };
}

async function readUsage(directory: string, prefix: string): Promise<MemoryUsageV1 | undefined> {
  const [limit, usage, max, failcnt] = await Promise.all(
    ['limit_in_bytes', 'usage_in_bytes', 'max_usage_in_bytes', 'failcnt'].map((name) =>
      readCount(join(directory, `${prefix}.${name}`)),
    ),
  );
  return usage === undefined ? undefined : { limit, usage, max, failcnt };
}

/** The root cgroup has no pids files. */
export async function readPids(directory: string | undefined): Promise<CgroupStatsV1['pids']> {
  if (directory === undefined) return undefined;
  const [current, limit] = await Promise.all([
    readCount(join(directory, 'pids.current')),
    readCount(join(directory, 'pids.max')),
  ]);
  return current === undefined ? undefined : { current, limit };
}

async function readBlkio(directory: string | undefined): Promise<CgroupStatsV1['blkio']> {
  if (directory === undefined) return undefined;
  const files = await Promise.all(
    blkioFiles.map(async (name) => {
      const text = await readCgroupFile(join(directory, `blkio.${name}`));
      return [name, parseBlkio(text ?? '')] as const;
    }),
  );
  return Object.fromEntries(files.filter(([, entries]) => entries.length > 0));
}

/** Lines of `major:minor op value` or `major:minor value`; the grand total, which names no device, is left out. */
export function parseBlkio(text: string): BlkioEntry[] {
  return text.split('\n').flatMap((line) => {
    const match = /^(\d+):(\d+)(?: ([A-Za-z]+))? (\d+)$/.exec(line);
    if (match === null) return [];
    const [, major = '0', minor = '0', op = '', value = '0'] = match;
    return [{ major: BigInt(major), minor: BigInt(minor), op, value: BigInt(value) }];
  });
}
