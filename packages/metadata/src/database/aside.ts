import { constants } from 'node:fs';
import { copyFile, mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { unlessAbsent } from '@stowage/core';

const KEPT = 3;
const OPENED = 'opened';

/**
 * Copies what an open may destroy: LevelDB answers a torn log by dropping the records behind the tear, log and
 * all. The copy of an open that failed is kept for whoever repairs, and no further one is made until an open
 * succeeds, so a restart loop neither fills the disk nor pushes the good copy out.
 *
 * The LOCK file is never opened here: closing any descriptor of it would drop the process's lock (fcntl(2)).
 *
 * @returns the directory of the copy; undefined if there is no database yet.
 */
export async function copyAside(database: string, aside: string): Promise<string | undefined> {
  const files = (await listed(database)).filter((name) => /^(CURRENT|MANIFEST-.*|.*\.log)$/.test(name));
  if (files.length === 0) return undefined;
  const copies = await listedCopies(aside);
  const last = copies.at(-1);
  if (last !== undefined && !(await listed(join(aside, last))).includes(OPENED)) return join(aside, last);
  const name = String(Number(last ?? 0) + 1).padStart(6, '0');
  const unfinished = join(aside, `${name}.new`);
  await rm(unfinished, { recursive: true, force: true });
  await mkdir(unfinished, { recursive: true, mode: 0o700 });
  for (const file of files)
    await copyFile(join(database, file), join(unfinished, file), constants.COPYFILE_FICLONE);
  await rename(unfinished, join(aside, name));
  return join(aside, name);
}

/** Marks a copy as one from which the database opened well, and drops all but the last few. */
export async function openedWell(copy: string | undefined, aside: string): Promise<void> {
  if (copy === undefined) return;
  await writeFile(join(copy, OPENED), '');
  const copies = await listedCopies(aside);
  for (const old of copies.slice(0, -KEPT)) await rm(join(aside, old), { recursive: true, force: true });
}

async function listedCopies(aside: string): Promise<string[]> {
  return (await listed(aside)).filter((name) => /^\d+$/.test(name)).sort();
}

async function listed(directory: string): Promise<string[]> {
  return (await unlessAbsent(readdir(directory))) ?? [];
}
