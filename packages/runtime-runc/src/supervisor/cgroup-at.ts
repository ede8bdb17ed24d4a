import { join } from 'node:path';
import type { CgroupLayout, CgroupPaths } from '@stowage/linux/cgroup';

/** The directories of a cgroup that has a path, whether they are there or not. */
export function cgroupAt({ kind, v1, v2 }: CgroupLayout, path: string): CgroupPaths {
  const below = join('/', path);
  return {
    kind,
    v1: new Map([...v1].map(([controller, { mountPoint }]) => [controller, join(mountPoint, below)])),
    v2: v2 && join(v2.mountPoint, below),
  };
}
