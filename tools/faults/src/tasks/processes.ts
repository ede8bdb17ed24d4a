import { readdir, readFile, readlink } from 'node:fs/promises';
import { errnoOf } from '@stowage/core';
import { until } from '@stowage/testing';

export interface ProcessSeen {
  readonly pid: number;
  readonly command: string;
  /** Paths of its control groups, one line each. */
  readonly cgroups: string;
}

/** All processes that have not ended. */
export async function listProcesses(): Promise<ProcessSeen[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
  const seen = await Promise.all(
    pids.map(async (pid) => ({
      pid,
      command: (await textOf(`/proc/${pid}/cmdline`)).replaceAll('\0', ' ').trim(),
      cgroups: await textOf(`/proc/${pid}/cgroup`),
    })),
  );
  // Kernel threads and zombies have no command.
  return seen.filter(({ command }) => command !== '');
}

export async function isThere(pid: number): Promise<boolean> {
  const stat = await textOf(`/proc/${pid}/stat`);
  return stat !== '' && !/\) [ZX] /.test(stat);
}

/** Waits until a process has ended. */
export function gone(pid: number): Promise<void> {
  return until(`process ${pid} to end`, async () => !(await isThere(pid)));
}

/** Waits until a process, with all its threads, is stopped. */
export async function stopped(pid: number): Promise<void> {
  await until(`process ${pid} to be stopped`, async () => {
    const threads = await readdir(`/proc/${pid}/task`);
    const stats = await Promise.all(threads.map((thread) => textOf(`/proc/${pid}/task/${thread}/stat`)));
    return stats.every((stat) => /\) T /.test(stat));
  });
}

/** How many descriptors of each kind a process holds: pipes, pidfds, files by their path. Sockets come and go. */
export async function descriptors(pid: number): Promise<ReadonlyMap<string, number>> {
  const counts = new Map<string, number>();
  for (const fd of await readdir(`/proc/${pid}/fd`)) {
    const target = await readlink(`/proc/${pid}/fd/${fd}`).catch(() => 'socket:');
    const kind = target.replace(/^(\w+):\[\d+\]$/, '$1').replace(/ \(deleted\)$/, '');
    counts.set(kind, (counts.get(kind) ?? 0) + 1);
  }
  return counts;
}

async function textOf(path: string): Promise<string> {
  try {
    return await readFile(path, 'latin1');
  } catch (e) {
    if (errnoOf(e) === 'ENOENT' || errnoOf(e) === 'ESRCH') return '';
    throw e;
  }
}
