import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { errnoOf } from '@stowage/core';
import type { CgroupPaths } from '@stowage/linux/cgroup';

/** Pids of all processes in a cgroup and those below it. */
export async function cgroupPids(paths: CgroupPaths): Promise<number[]> {
  const { v1, v2, kind } = paths;
  const inV1 = v1.get('pids') ?? v1.get('freezer') ?? v1.get('devices') ?? v1.values().next().value;
  const directory = kind === 'v2' ? v2 : (inV1 ?? v2);
  return directory === undefined ? [] : pidsBelow(directory);
}

async function pidsBelow(directory: string): Promise<number[]> {
  try {
    const text = await readFile(join(directory, 'cgroup.procs'), 'latin1');
    const entries = await readdir(directory, { withFileTypes: true });
    const below = entries.filter((entry) => entry.isDirectory());
    const more = await Promise.all(below.map(({ name }) => pidsBelow(join(directory, name))));
    return [...text.split('\n').filter(Boolean).map(Number), ...more.flat()];
  } catch (e) {
    // Removed meanwhile, or a cgroup of threads, whose processes are told by the one above.
    if (['ENOENT', 'ENODEV', 'EOPNOTSUPP'].includes(errnoOf(e) ?? '')) return [];
    throw e;
  }
}
