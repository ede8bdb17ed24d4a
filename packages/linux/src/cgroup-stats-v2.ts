import { join } from 'node:path';
import { parseCount, readCgroupFile, readCount, readFlat } from './cgroup-files.ts';
import { type HugetlbStats, readHugetlb } from './cgroup-hugetlb.ts';
import type { CgroupPaths } from './cgroup-layout.ts';
import { readPids } from './cgroup-stats-v1.ts';

/** One device of io.stat. */
export interface IoEntry {
  readonly major: bigint;
  readonly minor: bigint;
  readonly readBytes: bigint;
  readonly writtenBytes: bigint;
  readonly reads: bigint;
  readonly writes: bigint;
}

/** Time lost to waiting for a resource. */
export interface Pressure {
  readonly some: PressureLine | undefined;
  readonly full: PressureLine | undefined;
}

export interface PressureLine {
  /** Percent of the last 10, 60 and 300 s. */
  readonly avg10: number;
  readonly avg60: number;
  readonly avg300: number;
  readonly totalUs: bigint;
}

/** What v2 counts. Undefined: the controller is not there. A limit that is undefined: none. */
export interface CgroupStatsV2 {
  readonly version: 2;
  /** cpu.stat as it is: `usage_usec`, `nr_throttled`, ... */
  readonly cpu:
    | { readonly stat: Readonly<Record<string, bigint>>; readonly pressure: Pressure | undefined }
    | undefined;
  readonly memory:
    | {
        /** memory.stat as it is: `anon`, `file`, ... */
        readonly stat: Readonly<Record<string, bigint>>;
        readonly usage: bigint | undefined;
        readonly limit: bigint | undefined;
        /** The most it ever was (kernel 5.19). */
        readonly peak: bigint | undefined;
        readonly swapUsage: bigint | undefined;
        readonly swapLimit: bigint | undefined;
        readonly swapPeak: bigint | undefined;
        /** memory.events as it is: `low`, `high`, `max`, `oom`, `oom_kill`. */
        readonly events: Readonly<Record<string, bigint>> | undefined;
        readonly pressure: Pressure | undefined;
      }
    | undefined;
  readonly pids: { readonly current: bigint; readonly limit: bigint | undefined } | undefined;
  readonly io: { readonly devices: readonly IoEntry[]; readonly pressure: Pressure | undefined } | undefined;
  readonly hugetlb: readonly HugetlbStats[];
}

/** Reads all counters of the v2 hierarchy. */
export async function readStatsV2(paths: CgroupPaths): Promise<CgroupStatsV2> {
  const directory = paths.v2;
  if (directory === undefined) {
    return { version: 2, cpu: undefined, memory: undefined, pids: undefined, io: undefined, hugetlb: [] };
  }
  const [cpu, memory, pids, io, hugetlb] = await Promise.all([
    readCpu(directory),
    readMemory(directory),
    readPids(directory),
    readIo(directory),
    readHugetlb(directory, 'v2'),
  ]);
  return { version: 2, cpu, memory, pids, io, hugetlb };
}

async function readCpu(directory: string): Promise<CgroupStatsV2['cpu']> {
  const [stat, pressure] = await Promise.all([
    readFlat(join(directory, 'cpu.stat')),
    readPressure(join(directory, 'cpu.pressure')),
  ]);
  return stat === undefined ? undefined : { stat, pressure };
}

async function readMemory(directory: string): Promise<CgroupStatsV2['memory']> {
  const count = (name: string) => readCount(join(directory, name));
  const [stat, usage, limit, peak, swapUsage, swapLimit, swapPeak, events, pressure] = await Promise.all([
    readFlat(join(directory, 'memory.stat')),
    count('memory.current'),
    count('memory.max'),
    count('memory.peak'),
    count('memory.swap.current'),
    count('memory.swap.max'),
    count('memory.swap.peak'),
    readFlat(join(directory, 'memory.events')),
    readPressure(join(directory, 'memory.pressure')),
  ]);
  if (stat === undefined) return undefined;
  return { stat, usage, limit, peak, swapUsage, swapLimit, swapPeak, events, pressure };
}

async function readIo(directory: string): Promise<CgroupStatsV2['io']> {
  const [text, pressure] = await Promise.all([
    readCgroupFile(join(directory, 'io.stat')),
    readPressure(join(directory, 'io.pressure')),
  ]);
  return text === undefined ? undefined : { devices: parseIoStat(text), pressure };
}

/** Lines of `major:minor key=value ...`; a device without traffic may have no keys. */
export function parseIoStat(text: string): IoEntry[] {
  return text.split('\n').flatMap((line) => {
    const [device = '', ...pairs] = line.split(' ');
    const match = /^(\d+):(\d+)$/.exec(device);
    if (match === null) return [];
    const value = (key: string) => {
      const pair = pairs.find((one) => one.startsWith(`${key}=`));
      return parseCount(pair?.slice(key.length + 1) ?? '') ?? 0n;
    };
    const entry = {
      major: BigInt(match[1] as string),
      minor: BigInt(match[2] as string),
      readBytes: value('rbytes'),
      writtenBytes: value('wbytes'),
      reads: value('rios'),
      writes: value('wios'),
    };
    return [entry];
  });
}

async function readPressure(path: string): Promise<Pressure | undefined> {
  const text = await readCgroupFile(path);
  return text === undefined ? undefined : parsePressure(text);
}

/** Lines of `some avg10=0.00 avg60=0.00 avg300=0.00 total=0`, and the same with `full`. */
export function parsePressure(text: string): Pressure {
  const line = (kind: string): PressureLine | undefined => {
    const pattern = new RegExp(`^${kind} avg10=(\\S+) avg60=(\\S+) avg300=(\\S+) total=(\\d+)$`, 'm');
    const [, avg10, avg60, avg300, total] = pattern.exec(text) ?? [];
    if (total === undefined) return undefined;
    return { avg10: Number(avg10), avg60: Number(avg60), avg300: Number(avg300), totalUs: BigInt(total) };
  };
  return { some: line('some'), full: line('full') };
}
