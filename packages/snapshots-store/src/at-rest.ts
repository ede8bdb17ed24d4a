import { copyFile, link, mkdir, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { errnoOf, Fault } from '@stowage/core';
import type { StoredSnapshot } from './record.ts';
import { SnapshotStore } from './snapshot-store.ts';

/** The snapshots of a root that nobody has open. */
export interface SnapshotsAtRest extends AsyncDisposable {
  /** A copy of the index. */
  readonly store: SnapshotStore;
  /** Recorded, but their directories are gone. */
  readonly missing: readonly StoredSnapshot[];
  /** Directories that no snapshot has; the next start deletes them. */
  readonly orphans: readonly string[];
}

/**
 * Looks at the root of a {@link DirectorySnapshotter} that nobody has open. A copy of its index is opened, so nothing in
 * the root changes.
 *
 * @param work - An absent directory for the copy, best on the same file system.
 * @returns undefined if the root was never used.
 * @throws Fault `data_loss` if the index is damaged.
 */
export async function snapshotsAtRest(root: string, work: string): Promise<SnapshotsAtRest | undefined> {
  await refuseWithoutIndex(root);
  const index = join(root, 'metadata/index');
  const files = (await names(index)).filter((name) => name !== 'LOCK' && !name.startsWith('LOG'));
  if (files.length === 0) return undefined;
  await mkdir(join(work, 'index'), { recursive: true, mode: 0o700 });
  for (const name of files) await copy(join(index, name), join(work, 'index', name));
  await copyFile(join(root, 'metadata/mark'), join(work, 'mark')).catch(unlessAbsent);
  const store = await SnapshotStore.open(work);
  const ids = await idsIn(root);
  const { orphans, missing } = await store.reconcile(ids);
  return {
    store,
    missing,
    orphans: orphans.map((id) => join(root, 'snapshots', String(id))),
    [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
  };
}

/**
 * Refuses a root whose index is gone: a new one would know none of its snapshots, and they would all be deleted.
 *
 * @throws Fault `data_loss`
 */
export async function refuseWithoutIndex(root: string): Promise<void> {
  const mark = join(root, 'metadata/mark');
  if ((await stat(mark).catch(unlessAbsent)) !== undefined) return;
  const [id] = await idsIn(root);
  if (id === undefined) return;
  const message = `open snapshots ${root}: ${mark} is missing, but there are snapshots, such as ${id}. Put it back, or move the snapshotter's root away and unpack the images again`;
  throw new Fault('data_loss', message);
}

async function idsIn(root: string): Promise<number[]> {
  return (await names(join(root, 'snapshots'))).filter((name) => /^[1-9]\d*$/.test(name)).map(Number);
}

/** Tables are never written again, so those may be linked. */
async function copy(from: string, to: string): Promise<void> {
  if (!from.endsWith('.ldb')) return copyFile(from, to);
  await link(from, to).catch(() => copyFile(from, to));
}

async function names(directory: string): Promise<string[]> {
  return (await readdir(directory).catch(unlessAbsent)) ?? [];
}

function unlessAbsent(e: unknown): undefined {
  if (errnoOf(e) !== 'ENOENT') throw e;
}
