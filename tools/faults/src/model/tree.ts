import { mkdir, open, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { errnoOf, type Mount } from '@stowage/core';
import { bytesOf } from './bytes.ts';

const FILES = 4;

/** Puts the files of a seed below a directory, and syncs nothing: that is what a commit promises to do. */
export async function writeTree(directory: string, seed: string): Promise<void> {
  const dir = join(directory, seed);
  await mkdir(dir);
  for (let i = 0; i < FILES; i++) {
    await using file = await open(join(dir, `${i}`), 'wx');
    await file.writeFile(fileOf(seed, i));
  }
}

/** @returns what is wrong with the files of a seed in a stack of directories, the uppermost first. */
export async function treeDamage(layers: readonly string[], seed: string): Promise<string | undefined> {
  for (let i = 0; i < FILES; i++) {
    const wanted = fileOf(seed, i);
    const found = await firstOf(layers.map((layer) => join(layer, seed, `${i}`)));
    if (found === undefined) return `file ${seed}/${i} is not in ${layers.join(', ')}`;
    if (!found.equals(wanted))
      return `file ${seed}/${i} has ${found.length} bytes that are not the ${wanted.length} that were written`;
  }
  return undefined;
}

/** Where files of an active snapshot go without mounting it. */
export function upperOf(mounts: readonly Mount[]): string {
  const [mount] = mounts;
  const upper = mount?.options.find((option) => option.startsWith('upperdir='));
  const path = upper?.slice('upperdir='.length) ?? (mount?.type === 'bind' ? mount.source : undefined);
  if (path === undefined) throw new Error(`no directory to write to in ${JSON.stringify(mounts)}`);
  return path;
}

/** The directories of a view, the uppermost first. */
export function layersOf(mounts: readonly Mount[]): string[] {
  const [mount] = mounts;
  const lower = mount?.options.find((option) => option.startsWith('lowerdir='));
  if (lower !== undefined) return lower.slice('lowerdir='.length).split(':');
  return mount === undefined ? [] : [mount.source];
}

function fileOf(seed: string, i: number): Buffer {
  return bytesOf(`${seed}/${i}`, 1 + (bytesOf(`size ${seed}/${i}`, 4).readUInt32LE() % 24_000));
}

async function firstOf(paths: readonly string[]): Promise<Buffer | undefined> {
  for (const path of paths) {
    try {
      return await readFile(path);
    } catch (e) {
      if (errnoOf(e) !== 'ENOENT') throw e;
    }
  }
  return undefined;
}
