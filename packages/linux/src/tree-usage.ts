import { lstatSync, opendirSync } from 'node:fs';
import { O_DIRECTORY, O_NOFOLLOW, O_RDONLY } from './constants.ts';
import { hasCode } from './errors.ts';
import { close, open } from './fd.ts';
import { ownPlace } from './own-place.ts';
import type { Path } from './path.ts';
import { AS_BYTES, directoryPath, openDirectoryAt, type StopFlag, stopIfAsked } from './tree-entries.ts';

export interface TreeUsage {
  /** Sum of apparent sizes, each inode once. */
  readonly sizeBytes: bigint;
  /** Distinct inodes, directories and the top included. */
  readonly inodes: bigint;
}

const IF_THERE = { throwIfNoEntry: false } as const;
const EXACTLY_IF_THERE = { bigint: true, throwIfNoEntry: false } as const;

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
  using place = ownPlace();
  const levels = [level(topFd)];
  try {
    place.goTo(topFd);
    const { size } = lstatSync(directoryPath(topFd), { bigint: true });
    sizeBytes += size;
    inodes++;
    for (let here = levels.at(-1); here !== undefined; here = levels.at(-1)) {
      stopIfAsked(stop);
      const entry = here.dir.readSync();
      if (entry === null) {
        levels.pop()?.[Symbol.dispose]();
        const above = levels.at(-1);
        if (above !== undefined) place.goTo(above.fd);
        continue;
      }
      const name = entry.name as unknown as Buffer;
      const path = place.pathOf(here.fd, name);
      const stat = lstatSync(path, IF_THERE);
      if (stat === undefined) continue;
      const isDirectory = stat.isDirectory();
      let size = BigInt(stat.size);
      // Numbers hold nearly all that there is, for half of what bigints cost.
      if ((!isDirectory && stat.nlink > 1) || !Number.isSafeInteger(stat.size)) {
        const exact = lstatSync(path, EXACTLY_IF_THERE);
        if (exact === undefined) continue;
        size = exact.size;
        const inode = `${exact.dev}:${exact.ino}`;
        if (!isDirectory && seen.has(inode)) continue;
        if (!isDirectory) seen.add(inode);
      }
      sizeBytes += size;
      inodes++;
      if (isDirectory && descend(levels, here.fd, name)) place.goTo((levels.at(-1) ?? here).fd);
    }
    return { sizeBytes, inodes };
  } finally {
    for (const one of levels) one[Symbol.dispose]();
  }
}

/** @returns false for one that is gone, was replaced by something else, or is somebody's mount. */
function descend(levels: ReturnType<typeof level>[], fd: number, name: Buffer): boolean {
  try {
    levels.push(level(openDirectoryAt(fd, name)));
    return true;
  } catch (e) {
    if (!hasCode(e, 'ENOENT', 'ENOTDIR', 'ELOOP', 'EXDEV')) throw e;
    return false;
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
