import { type FileHandle, open } from 'node:fs/promises';
import { unlessAbsent } from '@stowage/core';

/** More than any log is put aside as. */
const MOST_FILES = 1000;

/** The files of a log from the newest to the oldest, open: `path`, `path.1`, … The caller closes them. */
export async function openLogs(path: string): Promise<FileHandle[]> {
  const files: FileHandle[] = [];
  for (let n = 0; n < MOST_FILES; n++) {
    const file = await unlessAbsent(open(n === 0 ? path : `${path}.${n}`, 'r'));
    // A crash in the middle of putting it aside leaves nothing at its own name.
    if (file === undefined && n > 0) break;
    if (file !== undefined) files.push(file);
  }
  return files;
}

/** Those that came after one that is open, oldest first, each open; none if it is the newest. */
export async function newerThan(path: string, file: FileHandle): Promise<FileHandle[]> {
  const own = await file.stat();
  const newer: FileHandle[] = [];
  for (let n = 0; n < MOST_FILES; n++) {
    const other = await unlessAbsent(open(n === 0 ? path : `${path}.${n}`, 'r'));
    if (other === undefined) {
      if (n === 0) continue;
      break;
    }
    const { ino, dev } = await other.stat();
    if (ino === own.ino && dev === own.dev) {
      await other.close();
      break;
    }
    newer.unshift(other);
  }
  return newer;
}
