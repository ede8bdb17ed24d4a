import type { MessageInitShape } from '@bufbuild/protobuf';
import {
  CPUStatSchema,
  MemoryEventsSchema,
  MemoryStatSchema,
  type MetricsSchema,
  type PSIStatsSchema,
} from '@stowage/api/cgroups/v2';
import type { CgroupStatsV2 } from '@stowage/linux/cgroup';
import { flatFields } from './flat-fields.ts';

type Metrics = MessageInitShape<typeof MetricsSchema>;
type Present<K extends keyof CgroupStatsV2> = NonNullable<CgroupStatsV2[K]>;
type Pressure = NonNullable<Present<'cpu'>['pressure']>;

/** How the message says "max". */
const NO_LIMIT = 0xffff_ffff_ffff_ffffn;

/** @see github.com/containerd/cgroups cgroup2 */
export function metricsV2({ cpu, memory, pids, io, hugetlb }: CgroupStatsV2): Metrics {
  return {
    hugetlb: hugetlb.map(({ pageSize, usage, max = NO_LIMIT, failcnt }) => ({
      ...{ pagesize: pageSize, current: usage, max, failcnt },
    })),
    ...(pids && { pids: { current: pids.current, limit: pids.limit ?? NO_LIMIT } }),
    ...(cpu && { cpu: { ...flatFields(CPUStatSchema, cpu.stat), ...psi(cpu.pressure) } }),
    ...(memory && { memory: memoryStat(memory) }),
    ...(memory?.events && { memoryEvents: flatFields(MemoryEventsSchema, memory.events) }),
    ...(io && { io: ioStat(io) }),
  };
}

function memoryStat(memory: Present<'memory'>): NonNullable<Metrics['memory']> {
  return {
    ...flatFields(MemoryStatSchema, memory.stat),
    usage: memory.usage ?? 0n,
    usageLimit: memory.limit ?? NO_LIMIT,
    maxUsage: memory.peak ?? 0n,
    swapUsage: memory.swapUsage ?? 0n,
    swapLimit: memory.swapLimit ?? NO_LIMIT,
    swapMaxUsage: memory.swapPeak ?? 0n,
    ...psi(memory.pressure),
  };
}

function ioStat(io: Present<'io'>): NonNullable<Metrics['io']> {
  const usage = io.devices.map(({ major, minor, readBytes, writtenBytes, reads, writes }) => ({
    ...{ major, minor, rbytes: readBytes, wbytes: writtenBytes, rios: reads, wios: writes },
  }));
  return { usage, ...psi(io.pressure) };
}

function psi(pressure: Pressure | undefined): { psi?: MessageInitShape<typeof PSIStatsSchema> } {
  if (pressure === undefined) return {};
  const line = (of: Pressure['some']) =>
    of && { avg10: of.avg10, avg60: of.avg60, avg300: of.avg300, total: of.totalUs };
  const { some, full } = pressure;
  return { psi: { ...(some && { some: line(some) }), ...(full && { full: line(full) }) } };
}
