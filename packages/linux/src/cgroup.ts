/** Where a process's cgroup is, what it has used, and when it runs out of memory: v1, v2 and both at once. */
import type { CgroupPaths } from './cgroup-layout.ts';
import { type CgroupStatsV1, readStatsV1 } from './cgroup-stats-v1.ts';
import { type CgroupStatsV2, readStatsV2 } from './cgroup-stats-v2.ts';

export type { HugetlbStats } from './cgroup-hugetlb.ts';
export {
  type CgroupKind,
  type CgroupLayout,
  type CgroupPaths,
  cgroupLayout,
  cgroupOf,
} from './cgroup-layout.ts';
export { readOomKills, watchOom } from './cgroup-oom.ts';
export type { BlkioEntry, CgroupStatsV1, MemoryUsageV1 } from './cgroup-stats-v1.ts';
export type { CgroupStatsV2, IoEntry, Pressure, PressureLine } from './cgroup-stats-v2.ts';

export type CgroupStats = CgroupStatsV1 | CgroupStatsV2;

/**
 * Counters of a cgroup, by the version that limits containers here; v1 on a hybrid machine. Counters of a removed cgroup
 * are undefined.
 */
export function readCgroupStats(paths: CgroupPaths): Promise<CgroupStats> {
  return paths.kind === 'v2' ? readStatsV2(paths) : readStatsV1(paths);
}
