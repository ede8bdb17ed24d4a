import { copyFile, link, mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { errnoOf, unlessAbsent } from '@stowage/core';

/** A directory that is gone when disposed. */
export interface WorkDirectory extends AsyncDisposable {
  readonly path: string;
}

const PREFIX = 'check-';

/** Makes a directory to work in, beside what is copied into it, and removes those that a crash left. */
export async function workDirectory(beside: string): Promise<WorkDirectory> {
  for (const name of await readdir(beside))
    if (name.startsWith(PREFIX)) await rm(join(beside, name), { recursive: true, force: true });
  const path = await mkdtemp(join(beside, PREFIX));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

/**
 * Copies a LevelDB database, so that the copy can be opened, repaired and thrown away: opening one changes it. Tables
 * are never written again, so those are linked.
 *
 * @returns false if there is none.
 */
export async function copyDatabase(from: string, to: string): Promise<boolean> {
  const names = (await unlessAbsent(readdir(from))) ?? [];
  const files = names.filter((name) => /^(CURRENT|MANIFEST-\d+|\d+\.(ldb|sst|log))$/.test(name));
  if (files.length === 0) return false;
  await mkdir(to, { recursive: true, mode: 0o700 });
  for (const name of files) {
    const [source, target] = [join(from, name), join(to, name)];
    if (/\.(ldb|sst)$/.test(name) && (await linked(source, target))) continue;
    await copyFile(source, target);
  }
  return true;
}

async function linked(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
    return true;
  } catch (e) {
    if (['EXDEV', 'EPERM', 'EMLINK', 'EOPNOTSUPP'].includes(errnoOf(e) ?? '')) return false;
    throw e;
  }
}
