import { opendir } from 'node:fs/promises';
import { join } from 'node:path';
import { errnoOf } from '@stowage/core';

/** Finds out whether there was a database once, where its mark is missing. @returns what tells so, or undefined. */
export type FindEvidence = () => Promise<string | undefined>;

/** In the directory of the database itself. */
export async function evidenceIn(directory: string): Promise<string | undefined> {
  return firstIn(['db', 'aside', 'repaired'].map((name) => join(directory, name)));
}

/**
 * In what the daemon keeps beside it: blobs and snapshots that come into being only with records.
 *
 * @param root - The daemon's root, with a directory `<type>.<id>` for each plugin.
 */
export async function evidenceBeside(root: string): Promise<string | undefined> {
  const blobs = await names(join(root, 'io.containerd.content.v1.content', 'blobs'));
  const snapshotters = (await names(root)).filter((name) => name.startsWith('io.containerd.snapshotter.v1.'));
  return firstIn([
    ...blobs.map((algorithm) => join(root, 'io.containerd.content.v1.content', 'blobs', algorithm)),
    ...snapshotters.map((name) => join(root, name, 'snapshots')),
  ]);
}

async function firstIn(directories: readonly string[]): Promise<string | undefined> {
  for (const directory of directories) {
    const [name] = await names(directory, 1);
    if (name !== undefined) return join(directory, name);
  }
  return undefined;
}

async function names(directory: string, most = 1000): Promise<string[]> {
  const found: string[] = [];
  try {
    for await (const { name } of await opendir(directory)) {
      if (found.push(name) === most) break;
    }
  } catch (e) {
    if (errnoOf(e) !== 'ENOENT' && errnoOf(e) !== 'ENOTDIR') throw e;
  }
  return found;
}
