import { randomBytes } from 'node:crypto';
import { open as openFile, rename, rm, stat } from 'node:fs/promises';
import type { Client } from '@stowage/client';
import { type CallOptions, errnoOf, Fault, reasonOf } from '@stowage/core';
import type { Command } from 'commander';
import type { SaveFlags } from '../commands/archives.ts';
import { open } from '../connection.ts';
import { imageNamed } from '../image-named.ts';
import { interruptible } from '../interrupt.ts';
import { written } from '../written.ts';

export async function save(command: Command, texts: readonly string[], flags: SaveFlags): Promise<void> {
  const { output, allPlatforms, platform } = flags;
  if (output === undefined && process.stdout.isTTY)
    throw new Fault('invalid_argument', 'save: an archive is nothing for a terminal; use -o FILE, or a pipe');
  await using client = open(command);
  using interrupt = interruptible(output === undefined ? undefined : 'No file was written.');
  const { signal } = interrupt;
  const names = await namesOf(client, texts, { signal });
  const platforms = allPlatforms ? 'all' : platform.length > 0 ? platform : undefined;
  const archive = client.exportImages(names, { platforms, signal });
  if (output === undefined) for await (const chunk of archive) await written(chunk);
  else await writeWhole(output, archive);
}

async function namesOf(client: Client, texts: readonly string[], options: CallOptions): Promise<string[]> {
  const names: string[] = [];
  for (const text of texts) names.push((await imageNamed(client, text, options)).name);
  return names;
}

/** The file is there once it is whole and on the disk; until then, one of that name stays as it is. */
async function writeWhole(path: string, archive: AsyncIterable<Uint8Array>): Promise<void> {
  const isPlain = await isPlainOrAbsent(path);
  const partial = isPlain ? `${path}.${randomBytes(4).toString('hex')}.partial` : path;
  try {
    const file = await openFile(partial, isPlain ? 'wx' : 'w');
    try {
      for await (const chunk of archive) await file.writeFile(chunk);
      if (isPlain) await file.sync();
    } finally {
      await file.close();
    }
    if (isPlain) await rename(partial, path);
  } catch (e) {
    if (isPlain) await rm(partial, { force: true });
    if (errnoOf(e) === undefined) throw e;
    throw new Fault('unavailable', `save ${path}: ${reasonOf(e)}`, { cause: e });
  }
}

/** Devices and pipes are written as they are. */
async function isPlainOrAbsent(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isFile();
  } catch (e) {
    if (errnoOf(e) === 'ENOENT') return true;
    throw new Fault('unavailable', `save ${path}: ${reasonOf(e)}`, { cause: e });
  }
}
