import { type FileHandle, open } from 'node:fs/promises';
import { unlessAbsent } from '@stowage/core';

/** More than any log is put aside as. */
const MOST_FILES = 1000;

/** The files of a log from the newest to the oldest, open: `path`, `path.1`, … The caller closes them. */
export async function openLogs(path: string): Promise<FileHandle[]> {
  return await openUntil(path, undefined);
}

/** Those that came after one that is open, oldest first, each open; none if it is the newest. */
export async function newerThan(path: string, file: FileHandle): Promise<FileHandle[]> {
  return (await openUntil(path, await identityOf(file))).reverse();
}

/**
 * From the newest to one that is known, without that. As they are put aside meanwhile, one may come up under two names, but
 * none is passed over.
 */
async function openUntil(path: string, known: string | undefined): Promise<FileHandle[]> {
  const files: FileHandle[] = [];
  const seen = new Set<string>();
  for (let n = 0; n < MOST_FILES; n++) {
    const file = await unlessAbsent(open(n === 0 ? path : `${path}.${n}`, 'r'));
    // A crash in the middle of putting it aside leaves nothing at its own name.
    if (file === undefined && n > 0) break;
    if (file === undefined) continue;
    const identity = await identityOf(file);
    if (identity === known || seen.has(identity)) await file.close();
    else files.push(file);
    if (identity === known) break;
    seen.add(identity);
  }
  return files;
}

async function identityOf(file: FileHandle): Promise<string> {
  const { dev, ino } = await file.stat();
  return `${dev}:${ino}`;
}
