import {
  type BigIntStats,
  chmodSync,
  constants,
  lchownSync,
  linkSync,
  lstatSync,
  mkdirSync,
  opendirSync,
  readlinkSync,
  symlinkSync,
} from 'node:fs';
import { O_DIRECTORY, O_NOFOLLOW, O_RDONLY } from './constants.ts';
import { hasCode } from './errors.ts';
import { close, open } from './fd.ts';
import { FileCopier } from './file-copy.ts';
import { lutimes, mknod } from './node-metadata.ts';
import {
  AS_BYTES,
  directoryPath,
  entryPath,
  openDirectoryAt,
  type StopFlag,
  stopIfAsked,
} from './tree-entries.ts';
import { getXattr, listXattrs, setXattr } from './xattr.ts';

interface Level {
  readonly source: number;
  readonly target: number;
  readonly dir: ReturnType<typeof opendirSync>;
  readonly stat: BigIntStats;
  /** From the top of the copy. */
  readonly path: readonly Buffer[];
}

/**
 * Copies a directory and all in it: owners, modes, times, extended attributes, hard links, holes, links, devices,
 * FIFOs and sockets. Links are not followed and other mounts come out as empty directories.
 *
 * What a copy holds is written out when the kernel likes; follow it by syncfs(2).
 *
 * @param to - Absent, or an empty directory that nobody else knows of.
 */
export function copyTree(from: string, to: string, stop?: StopFlag): void {
  const source = open(from, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  let target: number;
  try {
    makeDirectory(Buffer.from(to));
    target = open(to, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  } catch (e) {
    close(source);
    throw e;
  }
  const files = new FileCopier(stop);
  /** Where the first name of a file with several went. */
  const links = new Map<string, Buffer>();
  const levels: Level[] = [];
  try {
    enter(levels, source, target, []);
    for (let here = levels.at(-1); here !== undefined; here = levels.at(-1)) {
      stopIfAsked(stop);
      const entry = here.dir.readSync();
      if (entry === null) {
        // Last, because every entry made in a directory changes its time.
        copyMetadata(directoryPath(here.source), directoryPath(here.target), here.stat);
        leave(levels);
        continue;
      }
      const name = entry.name as unknown as Buffer;
      const original = entryPath(here.source, name);
      const stat = lstatSync(original, { bigint: true });
      const copy = entryPath(here.target, name);
      if (stat.isDirectory()) {
        makeDirectory(copy);
        const below = tryOpen(here.source, name);
        if (below === undefined) copyMetadata(original, copy, stat);
        else enter(levels, below, openDirectoryAt(here.target, name), [...here.path, name]);
        continue;
      }
      const inode = stat.nlink > 1n ? `${stat.dev}:${stat.ino}` : undefined;
      const first = inode === undefined ? undefined : links.get(inode);
      if (first !== undefined) {
        linkSync(entryPath(target, first), copy);
        continue;
      }
      if (inode !== undefined) links.set(inode, joined([...here.path, name]));
      if (stat.isFile()) files.copy(original, copy, stat.ino);
      else if (stat.isSymbolicLink()) symlinkSync(readlinkSync(original, { encoding: 'buffer' }), copy);
      else mknod(copy, (Number(stat.mode) & constants.S_IFMT) | 0o600, Number(stat.rdev));
      copyMetadata(original, copy, stat);
    }
  } finally {
    while (levels.length > 0) leave(levels);
  }
}

function makeDirectory(path: Buffer): void {
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (e) {
    if (!hasCode(e, 'EEXIST')) throw e;
  }
}

/** Undefined for somebody's mount. */
function tryOpen(dirfd: number, name: Buffer): number | undefined {
  try {
    return openDirectoryAt(dirfd, name);
  } catch (e) {
    if (hasCode(e, 'EXDEV')) return undefined;
    throw e;
  }
}

/** Takes both descriptors over, also if it throws. */
function enter(levels: Level[], source: number, target: number, path: readonly Buffer[]): void {
  try {
    const stat = lstatSync(directoryPath(source), { bigint: true });
    levels.push({ source, target, dir: opendirSync(directoryPath(source), AS_BYTES), stat, path });
  } catch (e) {
    close(source);
    close(target);
    throw e;
  }
}

function leave(levels: Level[]): void {
  const level = levels.pop();
  if (level === undefined) return;
  level.dir.closeSync();
  close(level.source);
  close(level.target);
}

/** In the order in which one step does not undo another: chown clears setuid and capabilities, chmod changes an ACL. */
function copyMetadata(from: Buffer | string, to: Buffer | string, stat: BigIntStats): void {
  lchownSync(to, Number(stat.uid), Number(stat.gid));
  if (!stat.isSymbolicLink()) chmodSync(to, Number(stat.mode) & 0o7777);
  copyXattrs(from, to);
  lutimes(to, stat.atimeNs, stat.mtimeNs);
}

function copyXattrs(from: Buffer | string, to: Buffer | string): void {
  let names: string[];
  try {
    names = listXattrs(from);
  } catch (e) {
    if (hasCode(e, 'EOPNOTSUPP')) return;
    throw e;
  }
  for (const name of names) setXattr(to, name, getXattr(from, name));
}

function joined(names: readonly Buffer[]): Buffer {
  const slash = Buffer.from('/');
  return Buffer.concat(names.flatMap((name, i) => (i === 0 ? [name] : [slash, name])));
}
