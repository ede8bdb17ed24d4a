import { lstatSync, opendirSync } from 'node:fs';
import { O_DIRECTORY, O_NOFOLLOW, O_RDONLY } from './constants.ts';
import { hasCode } from './errors.ts';
import { close, open } from './fd.ts';
import type { Path } from './path.ts';
import {
  AS_BYTES,
  directoryPath,
  entryPath,
  openDirectoryAt,
  type StopFlag,
  stopIfAsked,
} from './tree-entries.ts';

export interface TreeUsage {
  /** Sum of apparent sizes, each inode once. */
  readonly sizeBytes: bigint;
  /** Distinct inodes, directories and the top included. */
  readonly inodes: bigint;
}

/**
 * Measures a tree. Links are not followed, other mounts not entered, and what vanishes meanwhile does not count.
 * One descriptor per level is open at a time.
 */
export function measureTree(top: Path, stop?: StopFlag): TreeUsage {
  let sizeBytes = 0n;
  let inodes = 0n;
  /** Files with several names; those with one need no remembering. */
  const seen = new Set<string>();
  const topFd = open(top, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  const levels = [level(topFd)];
  try {
    const { size } = lstatSync(directoryPath(topFd), { bigint: true });
    sizeBytes += size;
    inodes++;
    for (let here = levels.at(-1); here !== undefined; here = levels.at(-1)) {
      stopIfAsked(stop);
      const entry = here.dir.readSync();
      if (entry === null) {
        levels.pop()?.[Symbol.dispose]();
        continue;
      }
      const name = entry.name as unknown as Buffer;
      const stat = lstatSync(entryPath(here.fd, name), { bigint: true, throwIfNoEntry: false });
      if (stat === undefined) continue;
      if (!stat.isDirectory() && stat.nlink > 1n) {
        const inode = `${stat.dev}:${stat.ino}`;
        if (seen.has(inode)) continue;
        seen.add(inode);
      }
      sizeBytes += stat.size;
      inodes++;
      if (stat.isDirectory()) descend(levels, here.fd, name);
    }
    return { sizeBytes, inodes };
  } finally {
    for (const one of levels) one[Symbol.dispose]();
  }
}

function descend(levels: ReturnType<typeof level>[], fd: number, name: Buffer): void {
  try {
    levels.push(level(openDirectoryAt(fd, name)));
  } catch (e) {
    // Gone, replaced by something else, or somebody's mount.
    if (!hasCode(e, 'ENOENT', 'ENOTDIR', 'ELOOP', 'EXDEV')) throw e;
  }
}

function level(fd: number) {
  try {
    const dir = opendirSync(directoryPath(fd), AS_BYTES);
    return {
      fd,
      dir,
      [Symbol.dispose]() {
        dir.closeSync();
        close(fd);
      },
    };
  } catch (e) {
    close(fd);
    throw e;
  }
}
