import { readdirSync, renameSync, rmdirSync, unlinkSync } from 'node:fs';
import { O_DIRECTORY, O_NOFOLLOW, O_RDONLY } from './constants.ts';
import { hasCode } from './errors.ts';
import { close, open } from './fd.ts';
import { directoryPath, entryPath, openDirectoryAt, type StopFlag, stopIfAsked } from './tree-entries.ts';

/** Directories nested deeper are moved up first, so that no tree takes more descriptors than this. */
const DEEPEST = 64;

interface Level {
  readonly fd: number;
  readonly name: Buffer;
  readonly entries: { readonly name: Buffer; readonly isDirectory: boolean }[];
}

/**
 * Deletes a directory and all in it, which somebody may be changing meanwhile: links are not followed and other mounts
 * not entered (EBUSY or EXDEV then). One that is gone is a success.
 *
 * @param top - Must be a directory or absent.
 */
export function removeTree(top: string, stop?: StopFlag): void {
  let topFd: number;
  try {
    topFd = open(top, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  } catch (e) {
    if (hasCode(e, 'ENOENT')) return;
    throw e;
  }
  const levels: Level[] = [listed(topFd, Buffer.from(top))];
  let moved = 0;
  try {
    for (;;) {
      stopIfAsked(stop);
      const here = levels.at(-1) as Level;
      const entry = here.entries.pop();
      if (entry === undefined) {
        const above = levels.at(-2);
        if (!removeDirectory(above === undefined ? here.name : entryPath(above.fd, here.name))) {
          // Somebody put something in since it was listed.
          here.entries.push(...list(here.fd));
          continue;
        }
        levels.pop();
        close(here.fd);
        if (above === undefined) return;
      } else if (!entry.isDirectory) {
        remove(entryPath(here.fd, entry.name));
      } else if (levels.length < DEEPEST) {
        levels.push(listed(openDirectoryAt(here.fd, entry.name), entry.name));
      } else {
        const name = Buffer.from(`.stowage-removing-${process.pid}-${moved++}`);
        renameSync(entryPath(here.fd, entry.name), entryPath(topFd, name));
        levels[0]?.entries.push({ name, isDirectory: true });
      }
    }
  } finally {
    for (const { fd } of levels) close(fd);
  }
}

function listed(fd: number, name: Buffer): Level {
  try {
    return { fd, name, entries: list(fd) };
  } catch (e) {
    close(fd);
    throw e;
  }
}

function list(fd: number): Level['entries'] {
  return readdirSync(directoryPath(fd), { withFileTypes: true, encoding: 'buffer' }).map((entry) => ({
    name: entry.name,
    isDirectory: entry.isDirectory(),
  }));
}

/** False if it is not empty. */
function removeDirectory(path: Buffer): boolean {
  try {
    rmdirSync(path);
  } catch (e) {
    if (hasCode(e, 'ENOTEMPTY', 'EEXIST')) return false;
    if (!hasCode(e, 'ENOENT')) throw e;
  }
  return true;
}

function remove(path: Buffer): void {
  try {
    unlinkSync(path);
  } catch (e) {
    if (!hasCode(e, 'ENOENT')) throw e;
  }
}
