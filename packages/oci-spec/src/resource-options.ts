import { Fault, type Labels, quote } from '@stowage/core';
import { whole } from './check.ts';
import type { SpecOption } from './compose.ts';
import { changeResources } from './linux-options.ts';
import type { HugepageLimit, LinuxCpu, LinuxMemory } from './spec.ts';

// A runtime turns these into what the machine's cgroup version has: shares into a weight, swap into swap alone.

export interface CpuLimits {
  /** Weight against other containers, 2 to 262144; 1024 is usual. */
  readonly shares?: number | undefined;
  /** Time in each period; at least a millisecond, or -1 for no limit. */
  readonly quotaMicros?: number | undefined;
  /** 1000 to 1000000. */
  readonly periodMicros?: number | undefined;
  /** cgroup v1 only. */
  readonly realtimeRuntimeMicros?: number | undefined;
  /** cgroup v1 only. */
  readonly realtimePeriodMicros?: number | undefined;
  /** Processors, such as `0-2,4`. */
  readonly cpus?: string | undefined;
  /** Memory nodes, such as `0,1`. */
  readonly mems?: string | undefined;
}

/** @throws Fault `invalid_argument` for what the kernel would refuse. */
export function withCpuLimits(limits: CpuLimits): SpecOption {
  const { shares, quotaMicros, periodMicros, realtimeRuntimeMicros, realtimePeriodMicros, cpus, mems } =
    limits;
  if (shares !== undefined) whole('cpu shares', shares, 2, 262_144);
  if (quotaMicros !== undefined && quotaMicros !== -1) whole('cpu quota', quotaMicros, 1000);
  if (periodMicros !== undefined) whole('cpu period', periodMicros, 1000, 1_000_000);
  if (realtimePeriodMicros !== undefined) whole('cpu realtime period', realtimePeriodMicros, 1);
  if (realtimeRuntimeMicros !== undefined)
    whole('cpu realtime runtime', realtimeRuntimeMicros, 0, realtimePeriodMicros);
  if (cpus !== undefined) checkSet('processors', cpus);
  if (mems !== undefined) checkSet('memory nodes', mems);
  const cpu: LinuxCpu = defined({
    shares,
    quota: quotaMicros,
    period: periodMicros,
    realtimeRuntime: realtimeRuntimeMicros,
    realtimePeriod: realtimePeriodMicros,
    cpus,
    mems,
  });
  return (spec) => changeResources(spec, { cpu: { ...spec.linux?.resources?.cpu, ...cpu } });
}

export interface MemoryLimits {
  readonly limitBytes?: number | undefined;
  /** Memory and swap together; -1 for no limit. At least `limitBytes`, and only with it. */
  readonly swapBytes?: number | undefined;
  /** Kept for it when memory runs short; no more than `limitBytes`. */
  readonly reservationBytes?: number | undefined;
  /** 0 to 100; cgroup v1 only. */
  readonly swappiness?: number | undefined;
  /** Waits for memory instead of being killed; cgroup v1 only. */
  readonly disableOomKiller?: boolean | undefined;
}

/** @throws Fault `invalid_argument` for limits that contradict each other. */
export function withMemoryLimits(limits: MemoryLimits): SpecOption {
  const { limitBytes, swapBytes, reservationBytes, swappiness, disableOomKiller } = limits;
  if (limitBytes !== undefined) whole('memory limit', limitBytes, 1);
  if (swapBytes !== undefined && swapBytes !== -1) {
    if (limitBytes === undefined)
      throw new Fault('invalid_argument', `swap limit ${swapBytes}: it needs a memory limit`);
    // What memory has is counted in.
    whole('swap limit', swapBytes, limitBytes);
  }
  if (reservationBytes !== undefined) whole('memory reservation', reservationBytes, 1, limitBytes);
  if (swappiness !== undefined) whole('swappiness', swappiness, 0, 100);
  const memory: LinuxMemory = defined({
    limit: limitBytes,
    swap: swapBytes,
    reservation: reservationBytes,
    swappiness,
    disableOOMKiller: disableOomKiller,
  });
  return (spec) => changeResources(spec, { memory: { ...spec.linux?.resources?.memory, ...memory } });
}

/** The most bytes of large pages, one limit for each size. */
export function withHugepageLimits(limits: readonly HugepageLimit[]): SpecOption {
  for (const { pageSize, limit } of limits) {
    if (!/^[1-9][0-9]*[KMG]B$/.test(pageSize))
      throw new Fault('invalid_argument', `page size ${quote(pageSize)} must read as 2MB or 1GB`);
    whole(`limit of ${pageSize} pages`, limit, 0);
  }
  return (spec) => changeResources(spec, { hugepageLimits: limits });
}

/**
 * Writes values to files of cgroup v2, such as `memory.high`; on v1 a runtime refuses them.
 *
 * @throws Fault `invalid_argument` for what names no file of a controller.
 */
export function withUnified(files: Labels): SpecOption {
  for (const name of Object.keys(files)) {
    if (!/^[a-z0-9]+(\.[A-Za-z0-9_-]+)+$/.test(name))
      throw new Fault(
        'invalid_argument',
        `cgroup file ${quote(name)} must read controller.file, as memory.high`,
      );
  }
  return (spec) => changeResources(spec, { unified: { ...spec.linux?.resources?.unified, ...files } });
}

function checkSet(what: string, set: string): void {
  const ranges = set.split(',');
  const fits = ranges.every((range) => {
    const [, first, last = first] = /^([0-9]{1,5})(?:-([0-9]{1,5}))?$/.exec(range) ?? [];
    return first !== undefined && Number(first) <= Number(last);
  });
  if (!fits) throw new Fault('invalid_argument', `${what} ${quote(set)} must read as 0-2,4`);
}

/** Without the fields that say nothing, so that they do not unset what was said before. */
function defined<T extends object>(fields: T): T {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as T;
}
