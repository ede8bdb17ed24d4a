import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Logger } from '@stowage/core';
import type { CgroupLayout } from '@stowage/linux/cgroup';

const CGROUP = 'stowage-shim';

/**
 * Takes this process out of the cgroup of the service that started it, so that neither its end nor its limits are
 * those of containerd. Where that can't be, it stays: then containerd's unit must have `KillMode=process`, as its own
 * shims need it.
 */
export async function leaveCgroup({ v1, v2 }: CgroupLayout, log: Logger): Promise<void> {
  const mountPoints = new Set(
    [...v1.values(), ...(v2 === undefined ? [] : [v2])].map((one) => one.mountPoint),
  );
  for (const mountPoint of mountPoints) {
    try {
      await mkdir(join(mountPoint, CGROUP), { recursive: true });
      await writeFile(join(mountPoint, CGROUP, 'cgroup.procs'), String(process.pid));
    } catch (err) {
      log.debug({ err, mountPoint }, 'the cgroup of containerd was not left');
    }
  }
}
