import { glob, readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { errnoOf, unlessAbsent } from '@stowage/core';
import type { Daemon } from '@stowage/testing';
import { descriptors, listProcesses } from './processes.ts';

/** What a daemon and its containers hold on the machine. Nobody else's: others may work on it at the same time. */
export interface Holdings {
  readonly mounts: ReadonlySet<string>;
  readonly processes: ReadonlySet<string>;
  readonly cgroups: ReadonlySet<string>;
  readonly sockets: ReadonlySet<string>;
  /** FIFOs and sockets among them. */
  readonly files: ReadonlySet<string>;
  /** By kind, of the daemon and of its supervisor. */
  readonly descriptors: ReadonlyMap<string, number>;
}

export interface Subject {
  readonly daemon: Daemon;
  readonly namespace: string;
}

/** Node opens some of its own, and databases their files. */
const DESCRIPTORS_MORE = 10;
/** What a process has one of for each container that it holds too long. */
const COUNTED = /^(pipe|anon_inode:\[pidfd\]|.*\/fifo|\/dev\/pts\/.*|.*stowage-io-.*)$/;

export async function takeHoldings({ daemon, namespace }: Subject): Promise<Holdings> {
  const { root, state } = daemon;
  const base = join(root, '..');
  const supervisors = await daemon.supervisors();
  const mounts = await Promise.all(['self' as const, ...supervisors].map((pid) => mountsBelow(base, pid)));
  const named = (pid: number) =>
    pid === daemon.pid ? 'daemon' : supervisors.includes(pid) ? 'supervisor' : undefined;
  const processes = (await listProcesses())
    .filter(({ command, cgroups }) => command.includes(`${base}/`) || cgroups.includes(`/${namespace}/`))
    .filter(({ pid }) => pid !== process.pid)
    .map(({ pid, command, cgroups }) => {
      const id = cgroups.split(`/${namespace}/`)[1]?.split(/[/\n]/)[0];
      return named(pid) ?? `${command.replaceAll(/ +/g, ' ')} (pid ${pid}${id ? ` in ${id} ` : ''})`;
    });
  const counts = new Map<string, number>();
  for (const pid of [daemon.pid, ...supervisors])
    for (const [kind, count] of await descriptors(pid))
      counts.set(`${named(pid)} ${kind}`, count + (counts.get(`${named(pid)} ${kind}`) ?? 0));
  return {
    mounts: new Set(mounts.flat()),
    processes: new Set(processes),
    cgroups: new Set(await containerCgroups(namespace)),
    sockets: new Set(await socketsBelow(base)),
    files: new Set([...(await filesOf(state)), ...(await halfDone(root))]),
    descriptors: counts,
  };
}

/** What there is now and was not before, one line each. What is of containers that live is theirs by right. */
export function remains(before: Holdings, now: Holdings, live: ReadonlySet<string>): string[] {
  const isTheirs = (name: string) => name.split(/[/ ]/).some((part) => live.has(part));
  const kinds = ['mounts', 'processes', 'cgroups', 'sockets', 'files'] as const;
  const lines = kinds.flatMap((kind) =>
    [...now[kind]].filter((n) => !before[kind].has(n) && !isTheirs(n)).map((n) => `${kind}: ${n}`),
  );
  if (live.size > 0) return lines;
  for (const [kind, count] of now.descriptors) {
    const was = before.descriptors.get(kind) ?? 0;
    const more = COUNTED.test(kind.replace(/^\w+ /, '')) ? 0 : DESCRIPTORS_MORE;
    if (count > was + more) lines.push(`descriptors: ${kind}: ${count}, there were ${was}`);
  }
  return lines;
}

/** As a process sees them. */
async function mountsBelow(base: string, pid: number | 'self'): Promise<string[]> {
  const lines = (await readFile(`/proc/${pid}/mountinfo`, 'utf8')).split('\n');
  return lines.map((line) => line.split(' ')[4] ?? '').filter((path) => path.startsWith(`${base}/`));
}

/** A server binds its socket in a directory of a random name, and moves it; the kernel goes on to tell that name. */
async function socketsBelow(base: string): Promise<string[]> {
  const lines = (await readFile('/proc/net/unix', 'utf8')).split('\n');
  const paths = lines.map((line) => line.trim().split(/\s+/)[7] ?? '');
  return paths
    .filter((path) => path.startsWith(`${base}/`))
    .map((path) => path.replace(/\.s\w{6}\/s$/, '.s/s'));
}

/** `/<namespace>/<id>` below each controller (v1), or below the root (v2). */
async function containerCgroups(namespace: string): Promise<string[]> {
  const found = await Array.fromAsync(
    glob([`/sys/fs/cgroup/*/${namespace}/*`, `/sys/fs/cgroup/${namespace}/*`]),
  );
  const directories = await Promise.all(found.map(async (path) => ((await isDirectory(path)) ? [path] : [])));
  return directories.flat();
}

async function isDirectory(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch (e) {
    if (errnoOf(e) === 'ENOENT' || errnoOf(e) === 'ENODEV') return false;
    throw e;
  }
}

/** All that lies in the state directory; of mounted file systems their mount point alone. */
async function filesOf(directory: string): Promise<string[]> {
  const entries = (await unlessAbsent(readdir(directory, { withFileTypes: true }))) ?? [];
  const found = await Promise.all(
    entries.map(async (entry) => {
      const path = join(directory, entry.name);
      const inside = entry.isDirectory() && entry.name !== 'rootfs' ? await filesOf(path) : [];
      return [path, ...inside];
    }),
  );
  return found.flat();
}

/** Of the root: ingests, and snapshots that are being made or deleted. */
function halfDone(root: string): Promise<string[]> {
  return Array.fromAsync(
    glob([join(root, 'io.containerd.content.v1.content/ingest/*'), join(root, '*/snapshots/{trash,new}-*')]),
  );
}
