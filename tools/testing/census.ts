import { glob, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { errnoOf, unlessAbsent } from '@stowage/core';

/** What tells the things of one file's tests from those of others that run beside them. */
export interface Grounds {
  /** All that its programs keep lies below. */
  readonly dir: string;
  /** In which its containers run. Of its own too, as control groups and runc's state of it are the machine's. */
  readonly namespace: string;
}

/** What a file's tests may leave behind, by name. */
export interface Census {
  readonly mounts: readonly string[];
  readonly processes: readonly string[];
  readonly cgroups: readonly string[];
  readonly sockets: readonly string[];
  readonly disks: readonly string[];
  readonly descriptors: number;
}

const NAMED = ['mounts', 'processes', 'cgroups', 'sockets', 'disks'] as const;

/** In the environment of all that the tests of a file start, where it names the file's namespace. */
const MARK = 'CONTAINERD_NAMESPACE';

/**
 * Counts what there is on these grounds: mounts below or of what lies below, processes, cgroups of containers, unix
 * sockets with a path, loop devices, and our own descriptors. Taken before and after; see {@link leaks}.
 */
export async function takeCensus(grounds: Grounds): Promise<Census> {
  const { dir, namespace } = grounds;
  const [mounts, processes, cgroups, sockets, disks, descriptors] = await Promise.all([
    listMounts(dir),
    listProcesses(grounds),
    listCgroups(namespace),
    listSockets(dir),
    listDisks(dir),
    readdir('/proc/self/fd'),
  ]);
  return { mounts, processes, cgroups, sockets, disks, descriptors: descriptors.length };
}

/** What `after` has and `before` had not, one line each. A handful of descriptors more is Node's own. */
export function leaks(before: Census, after: Census): string[] {
  const lines = NAMED.flatMap((kind) =>
    after[kind].filter((item) => !before[kind].includes(item)).map((item) => `${kind}: ${item}`),
  );
  const fds = after.descriptors - before.descriptors;
  return fds > 10 ? [...lines, `descriptors: ${fds} more`] : lines;
}

/** Also those elsewhere whose layers or source lie below. */
async function listMounts(dir: string): Promise<string[]> {
  const lines = (await readFile('/proc/self/mountinfo', 'utf8')).split('\n');
  return lines.filter((line) => line.includes(`${dir}/`)).map((line) => line.split(' ')[4] ?? '');
}

/** Started by these tests or by what they started: told by its command, by its environment, by its cgroup or by its parents. */
async function listProcesses({ dir, namespace }: Grounds): Promise<string[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const seen = await Promise.all(
    pids.map(async (pid) => {
      const [command, environment, cgroups, stat] = await Promise.all(
        ['cmdline', 'environ', 'cgroup', 'stat'].map((name) => textOf(join('/proc', pid, name))),
      );
      return { pid, command: command ?? '', environment, cgroups, parent: parentIn(stat ?? '') };
    }),
  );
  const parents = new Map(seen.map(({ pid, parent }) => [pid, parent]));
  const isOurs = (pid: string | undefined): boolean =>
    pid !== undefined && (pid === String(process.pid) || isOurs(parents.get(pid)));
  return (
    seen
      // Kernel threads and zombies have no command.
      .filter(({ pid, command }) => command !== '' && Number(pid) !== process.pid)
      .filter(
        ({ pid, command, environment, cgroups }) =>
          command.includes(dir) ||
          environment?.split('\0').includes(`${MARK}=${namespace}`) ||
          cgroups?.includes(`/${namespace}/`) ||
          isOurs(pid),
      )
      .map(({ pid, command }) => `${command.replaceAll('\0', ' ').trim()} (pid ${pid})`)
  );
}

/** The pid of the parent, after a name that may hold anything. */
function parentIn(stat: string): string | undefined {
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1];
}

/**
 * Those of containers, `/<namespace>/<id>` below each controller (v1) or below the root (v2), and those below them. That
 * of the namespace stays, as runc makes it on the way and leaves it, under containerd too.
 */
async function listCgroups(namespace: string): Promise<string[]> {
  return directoriesBelow(await Array.fromAsync(glob(cgroupsOf(namespace))));
}

/** Where cgroups of a namespace's containers lie, as patterns for `glob`. */
export function cgroupsOf(namespace: string): string[] {
  return [`/sys/fs/cgroup/*/${namespace}`, `/sys/fs/cgroup/${namespace}`];
}

/** One that goes meanwhile is not there. */
async function directoriesBelow(paths: readonly string[]): Promise<string[]> {
  const found: string[] = [];
  for (const path of paths) {
    const entries = await unlessAbsent(readdir(path, { withFileTypes: true }));
    const below = (entries ?? []).filter((e) => e.isDirectory()).map(({ name }) => join(path, name));
    found.push(...below, ...(await directoriesBelow(below)));
  }
  return found;
}

async function listSockets(dir: string): Promise<string[]> {
  const lines = (await readFile('/proc/net/unix', 'utf8')).split('\n');
  const paths = lines.map((line) => line.trim().split(/\s+/)[7] ?? '');
  return paths.filter((path) => path.startsWith(`${dir}/`));
}

/** Loop devices of files below. */
async function listDisks(dir: string): Promise<string[]> {
  const names = (await readdir('/sys/block')).filter((name) => name.startsWith('loop'));
  const files = await Promise.all(names.map((name) => textOf(join('/sys/block', name, 'loop/backing_file'))));
  return names.flatMap((name, i) => {
    const file = files[i]?.trim() ?? '';
    return file.startsWith(`${dir}/`) ? [`${name} of ${file}`] : [];
  });
}

/** Why the kernel does not tell: it is gone, or gone by half, or it is a process that hides its environment from all. */
const UNTOLD = ['ENOENT', 'ESRCH', 'ENXIO', 'ENODEV', 'EACCES', 'EPERM'];

/** Of what the kernel tells, undefined if it does not. */
async function textOf(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'latin1');
  } catch (e) {
    if (UNTOLD.includes(errnoOf(e) ?? '')) return undefined;
    throw e;
  }
}

/**
 * What a daemon keeps on disk that no test may leave there: bundles and records of tasks, ingests, and snapshots that
 * were removed and not deleted. Images and committed snapshots are the tests' own business.
 */
export async function filesLeft(root: string, state: string): Promise<string[]> {
  const patterns = [
    join(state, 'io.containerd.runtime.v2.task/*/*'),
    join(state, 'stowage.runtime.v1.runc/tasks/*/*'),
    join(state, 'stowage.runtime.v1.runc/runc/*/*'),
    join(root, 'io.containerd.content.v1.content/ingest/*'),
    join(root, '*/snapshots/{trash,new}-*'),
  ];
  return (await Promise.all(patterns.map((pattern) => Array.fromAsync(glob(pattern))))).flat();
}
