import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readCgroupFile } from './cgroup-files.ts';
import { hasCode } from './errors.ts';
import { type MountInfo, readMountInfo } from './mountinfo.ts';

/**
 * Which hierarchy has the controllers that limit containers: `v1`, also where a v2 hierarchy without any of them is
 * mounted beside; `v2`; or `hybrid`, where some are here and some there.
 */
export type CgroupKind = 'v1' | 'v2' | 'hybrid';

interface Hierarchy {
  readonly mountPoint: string;
  /** Which cgroup is mounted there; not `/` inside a container. */
  readonly root: string;
}

export interface CgroupLayout {
  readonly kind: CgroupKind;
  /** v1 hierarchies by controller (`memory`, `cpu`, `name=systemd`, ...). */
  readonly v1: ReadonlyMap<string, Hierarchy>;
  readonly v2: (Hierarchy & { readonly controllers: readonly string[] }) | undefined;
}

const decisive = new Set(['cpu', 'memory', 'pids', 'io']);
/** Options of a v1 mount that are no controllers. */
const notControllers = new Set([
  'rw',
  'ro',
  'xattr',
  'clone_children',
  'noprefix',
  'cpuset_v2_mode',
  'favordynmods',
]);

/** How cgroups are mounted on this machine. It does not change while it runs, so one look is enough. */
export async function cgroupLayout(): Promise<CgroupLayout> {
  const mounts = await readMountInfo();
  const unified = mounts.find(({ fsType }) => fsType === 'cgroup2');
  const controllers =
    unified === undefined ? undefined : await readCgroupFile(join(unified.mountPoint, 'cgroup.controllers'));
  return layoutOf(mounts, controllers?.split(' ').filter(Boolean) ?? []);
}

/** The decision itself. */
export function layoutOf(mounts: readonly MountInfo[], v2Controllers: readonly string[]): CgroupLayout {
  const v1 = new Map<string, Hierarchy>();
  for (const { fsType, superOptions, mountPoint, root } of mounts) {
    if (fsType !== 'cgroup') continue;
    for (const option of superOptions) {
      const isController = !notControllers.has(option) && !option.startsWith('release_agent=');
      if (isController && !v1.has(option)) v1.set(option, { mountPoint, root });
    }
  }
  const unified = mounts.find(({ fsType }) => fsType === 'cgroup2');
  const v2 =
    unified === undefined
      ? undefined
      : { mountPoint: unified.mountPoint, root: unified.root, controllers: v2Controllers };
  const inV1 = [...v1.keys()].some((controller) => !controller.startsWith('name='));
  const inV2 = v2Controllers.some((controller) => decisive.has(controller));
  return { kind: inV1 ? (inV2 ? 'hybrid' : 'v1') : v2 === undefined ? 'v1' : 'v2', v1, v2 };
}

/** The directories of one cgroup, in every hierarchy. */
export interface CgroupPaths {
  readonly kind: CgroupKind;
  /** By v1 controller. */
  readonly v1: ReadonlyMap<string, string>;
  readonly v2: string | undefined;
}

/**
 * Where a process is. It is there until it is moved, so ask soon after it was started.
 *
 * @returns undefined if there is no such process.
 */
export async function cgroupOf(pid: number | 'self', layout: CgroupLayout): Promise<CgroupPaths | undefined> {
  try {
    return parseProcessCgroup(await readFile(`/proc/${pid}/cgroup`, 'utf8'), layout);
  } catch (e) {
    if (hasCode(e, 'ENOENT', 'ESRCH')) return undefined;
    throw e;
  }
}

/** Lines of `id:controllers:path`; v2 has id 0 and no controllers. A path may hold colons. */
export function parseProcessCgroup(text: string, layout: CgroupLayout): CgroupPaths {
  const v1 = new Map<string, string>();
  let v2: string | undefined;
  for (const line of text.split('\n')) {
    const [, id, controllers = '', path = ''] = /^(\d+):([^:]*):(.*)$/.exec(line) ?? [];
    if (id === undefined) continue;
    if (controllers === '') {
      if (layout.v2 !== undefined) v2 = directory(layout.v2, path);
      continue;
    }
    for (const controller of controllers.split(',')) {
      const hierarchy = layout.v1.get(controller);
      if (hierarchy !== undefined) v1.set(controller, directory(hierarchy, path));
    }
  }
  return { kind: layout.kind, v1, v2 };
}

function directory({ mountPoint, root }: Hierarchy, path: string): string {
  const below =
    root !== '/' && (path === root || path.startsWith(`${root}/`)) ? path.slice(root.length) : path;
  return below === '/' ? mountPoint : join(mountPoint, below);
}
