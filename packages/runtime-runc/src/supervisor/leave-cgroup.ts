import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Logger } from '@stowage/core';
import { type CgroupLayout, cgroupOf } from '@stowage/linux/cgroup';

/** No namespace has this name, so no container's cgroup is below it. */
export const SUPERVISOR_CGROUP = '_stowage';

/**
 * Takes this process out of the cgroups of the service that started it, so that neither its end nor its limits are those
 * of the daemon's unit. It stays where it is in the root already; where it can't leave, that is logged: then the unit must
 * have `KillMode=process`.
 *
 * @see systemd.kill(5); containerd's unit, for the same reason
 */
export async function leaveCgroup(layout: CgroupLayout, log: Logger): Promise<void> {
  const own = await cgroupOf('self', layout);
  if (own === undefined) return;
  for (const [mountPoint, path] of placesOf(layout, own)) {
    if (path === mountPoint) continue;
    const ours = join(mountPoint, SUPERVISOR_CGROUP);
    try {
      await mkdir(ours, { recursive: true });
      await fillCpuset(mountPoint, ours);
      await writeFile(join(ours, 'cgroup.procs'), String(process.pid));
    } catch (err) {
      const remedy = 'its unit must have KillMode=process, or its stop ends the supervisor';
      log.warn({ err, cgroup: path }, `a cgroup of the daemon could not be left: ${remedy}`);
    }
  }
}

/** Hierarchies by mount point, each once, and where this process is in it. */
function placesOf(
  { v1, v2 }: CgroupLayout,
  own: NonNullable<Awaited<ReturnType<typeof cgroupOf>>>,
): Map<string, string> {
  const places = new Map<string, string>();
  for (const [controller, { mountPoint }] of v1) {
    const path = own.v1.get(controller);
    if (path !== undefined) places.set(mountPoint, path);
  }
  if (v2 !== undefined && own.v2 !== undefined) places.set(v2.mountPoint, own.v2);
  return places;
}

/** A new v1 cpuset has no processors and no memory, and takes no process before it has. */
async function fillCpuset(from: string, to: string): Promise<void> {
  for (const name of ['cpuset.cpus', 'cpuset.mems']) {
    const all = await readFile(join(from, name), 'latin1').catch(() => '');
    if (all.trim() === '' || (await readFile(join(to, name), 'latin1')).trim() !== '') continue;
    await writeFile(join(to, name), all.trim());
  }
}
