import { access, glob, readdir, readFile, readlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** What a suite may leave behind, counted by name. */
export interface Census {
  readonly mounts: readonly string[];
  readonly processes: readonly string[];
  readonly cgroups: readonly string[];
  readonly sockets: readonly string[];
  readonly descriptors: number;
}

/**
 * Counts what this machine holds that could be ours: mounts, processes, cgroups, unix sockets with a path, and our
 * own descriptors. Taken before and after a suite; see {@link leaks}.
 */
export async function takeCensus(): Promise<Census> {
  const [mounts, processes, cgroups, sockets, descriptors] = await Promise.all([
    listMounts(),
    listProcesses(),
    listCgroups(),
    listSockets(),
    readdir('/proc/self/fd'),
  ]);
  return { mounts, processes, cgroups, sockets, descriptors: descriptors.length };
}

/** What `after` has more of than `before`, one line each. A handful of descriptors more is Node's own. */
export function leaks(before: Census, after: Census): string[] {
  const more = (kind: 'mounts' | 'processes' | 'cgroups' | 'sockets') => {
    const left = [...before[kind]];
    return after[kind].filter((item) => {
      const at = left.indexOf(item);
      if (at < 0) return true;
      left.splice(at, 1);
      return false;
    });
  };
  const lines = (['mounts', 'processes', 'cgroups', 'sockets'] as const).flatMap((kind) =>
    more(kind).map((item) => `${kind}: ${item}`),
  );
  const fds = after.descriptors - before.descriptors;
  return fds > 10 ? [...lines, `descriptors: ${fds} more`] : lines;
}

async function listMounts(): Promise<string[]> {
  const text = await readFile('/proc/self/mountinfo', 'utf8');
  return text
    .trim()
    .split('\n')
    .map((line) => line.split(' ')[4] ?? '');
}

const OURS = /stowaged\.|stowage-supervisor|runc|containerd|docker-registry|\/bin\/busybox/;
const OUR_SOCKETS = /stowage|containerd|docker-registry/;

async function listProcesses(): Promise<string[]> {
  const found: string[] = [];
  for (const pid of await readdir('/proc')) {
    if (!/^\d+$/.test(pid) || Number(pid) === process.pid) continue;
    const exe = await readlink(join('/proc', pid, 'exe')).catch(() => '');
    const command = await readFile(join('/proc', pid, 'cmdline'), 'utf8').catch(() => '');
    const line = `${exe} ${command.replaceAll('\0', ' ').trim()}`;
    if (OURS.test(line) && !line.includes('jest') && !line.includes('/nx'))
      found.push(`${line} (pid ${pid})`);
  }
  return found;
}

/**
 * Cgroups of containers, `/<namespace>/<id>`. Those of namespaces stay, as runc makes them on the way and leaves them,
 * under containerd too.
 */
async function listCgroups(): Promise<string[]> {
  const base = '/sys/fs/cgroup';
  const isUnified = await access(join(base, 'cgroup.controllers')).then(
    () => true,
    () => false,
  );
  return containersBelow(base, isUnified ? 1 : 2);
}

/** Directories below `path`, those of the first `skip` levels left out. One that goes meanwhile is not there. */
async function containersBelow(path: string, skip: number): Promise<string[]> {
  const entries = await readdir(path, { withFileTypes: true }).catch(() => []);
  const found: string[] = [];
  for (const entry of entries) {
    if (!entry.isDirectory()) continue;
    const below = join(path, entry.name);
    if (skip === 0) found.push(below);
    found.push(...(await containersBelow(below, Math.max(0, skip - 1))));
  }
  return found;
}

async function listSockets(): Promise<string[]> {
  const text = await readFile('/proc/net/unix', 'utf8');
  return text
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/\s+/)[7] ?? '')
    .filter((path) => OUR_SOCKETS.test(path));
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
    join(tmpdir(), 'stowage-io-*'),
  ];
  return (await Promise.all(patterns.map((pattern) => Array.fromAsync(glob(pattern))))).flat();
}
