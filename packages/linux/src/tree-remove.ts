import { opendirSync, renameSync, rmdirSync, unlinkSync } from 'node:fs';
import { O_DIRECTORY, O_NOFOLLOW, O_RDONLY } from './constants.ts';
import { hasCode } from './errors.ts';
import { close, open } from './fd.ts';
import {
  AS_BYTES,
  directoryPath,
  entryPath,
  openDirectoryAt,
  type StopFlag,
  stopIfAsked,
} from './tree-entries.ts';

/** Directories nested deeper are moved up first, so that no tree takes more descriptors than this. */
const DEEPEST = 64;

interface Level {
  readonly fd: number;
  /** In the directory above; the whole path of the top. */
  readonly name: Buffer;
  readonly dir: ReturnType<typeof opendirSync>;
}

/**
 * Deletes a directory and all in it, which somebody may be changing meanwhile: links are not followed and other mounts
 * not entered (EBUSY or EXDEV then). One that is gone is a success.
 *
 * @param top - Must be a directory or absent.
 * @param budgetMs - When to stop, so that the thread can do something else in between.
 * @returns false if it stopped before all was gone; call it again.
 */
export function removeTree(top: string, stop?: StopFlag, budgetMs = Number.POSITIVE_INFINITY): boolean {
  const deadline = performance.now() + budgetMs;
  const topFd = tryOpen(top);
  if (topFd === undefined) return true;
  const levels: Level[] = [];
  let moved = 0;
  try {
    levels.push(level(topFd, Buffer.from(top)));
    for (let here = levels.at(-1); here !== undefined; here = levels.at(-1)) {
      stopIfAsked(stop);
      if (performance.now() > deadline) return false;
      const entry = here.dir.readSync();
      if (entry === null) {
        finish(levels);
        continue;
      }
      const name = entry.name as unknown as Buffer;
      if (!entry.isDirectory()) {
        remove(entryPath(here.fd, name));
      } else if (levels.length < DEEPEST) {
        levels.push(level(openDirectoryAt(here.fd, name), name));
      } else {
        // The top is read again, until it is empty.
        const flat = Buffer.from(`.stowage-removing-${process.pid}-${Date.now()}-${moved++}`);
        renameSync(entryPath(here.fd, name), entryPath(topFd, flat));
      }
    }
    return true;
  } finally {
    while (levels.length > 0) leave(levels);
  }
}

function tryOpen(path: string): number | undefined {
  try {
    return open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  } catch (e) {
    if (hasCode(e, 'ENOENT')) return undefined;
    throw e;
  }
}

/** Takes the descriptor over, also if it throws. */
function level(fd: number, name: Buffer): Level {
  try {
    return { fd, name, dir: opendirSync(directoryPath(fd), AS_BYTES) };
  } catch (e) {
    close(fd);
    throw e;
  }
}

function leave(levels: Level[]): Level | undefined {
  const here = levels.pop();
  here?.dir.closeSync();
  if (here !== undefined) close(here.fd);
  return here;
}

/** Removes the deepest directory, all of which was read; or begins with it again if it is not empty yet. */
function finish(levels: Level[]): void {
  const here = levels.at(-1) as Level;
  const above = levels.at(-2);
  const path = above === undefined ? here.name : entryPath(above.fd, here.name);
  try {
    rmdirSync(path);
  } catch (e) {
    if (hasCode(e, 'ENOTEMPTY', 'EEXIST')) {
      const fd = above === undefined ? tryOpen(here.name.toString()) : openDirectoryAt(above.fd, here.name);
      leave(levels);
      if (fd !== undefined) levels.push(level(fd, here.name));
      return;
    }
    if (!hasCode(e, 'ENOENT')) throw e;
  }
  leave(levels);
}

function remove(path: Buffer): void {
  try {
    unlinkSync(path);
  } catch (e) {
    if (!hasCode(e, 'ENOENT')) throw e;
  }
}
