import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Fault, quote, unlessAbsent, unlessGone } from '@stowage/core';
import { type BackendSources, blobFilesIn, type Finding, type SnapshotSource } from '@stowage/metadata/check';
import { type SnapshotsAtRest, snapshotsAtRest } from '@stowage/snapshots-store';
import type { DaemonConfig } from '../config/daemon-config.ts';

const CONTENT = 'io.containerd.content.v1.content';
const WORK = 'check-';
const SNAPSHOTTERS = 'io.containerd.snapshotter.v1.';

/** The backends of a daemon that does not run, read from their directories. */
export interface BackendsAtRest extends AsyncDisposable {
  readonly sources: BackendSources;
  /** What is wrong with the backends themselves. */
  readonly findings: readonly Finding[];
}

/** Opens those of our own; what a proxy plugin keeps is elsewhere, and is not compared. */
export async function backendsAtRest(config: DaemonConfig): Promise<BackendsAtRest> {
  const isProxied = Object.values(config.proxyPlugins).some(({ type }) => type === 'content');
  const content = isProxied ? undefined : blobFilesIn(join(config.root, CONTENT));
  const snapshotters = new Map<string, SnapshotSource>();
  const findings: Finding[] = [];
  const ends: Array<() => PromiseLike<void>> = [];
  const end = async () => {
    for (const one of ends.splice(0).reverse()) await one();
  };
  try {
    for (const [id, root] of await snapshotterRoots(config)) {
      const opened = await openSnapshots(root, ends);
      if (opened === undefined) continue;
      if (Fault.is(opened)) {
        findings.push(indexFinding(root, opened));
        continue;
      }
      findings.push(...fileFindings(root, opened));
      snapshotters.set(id, sourceOf(opened));
    }
  } catch (e) {
    await end();
    throw e;
  }
  return {
    sources: { content, snapshotters },
    findings,
    [Symbol.asyncDispose]: end,
  };
}

async function snapshotterRoots({ root, plugins }: DaemonConfig): Promise<ReadonlyMap<string, string>> {
  const roots = new Map<string, string>();
  for (const name of await readdir(root))
    if (name.startsWith(SNAPSHOTTERS)) roots.set(name.slice(SNAPSHOTTERS.length), join(root, name));
  for (const [name, { root_path: path }] of Object.entries(plugins))
    if (name.startsWith(SNAPSHOTTERS) && typeof path === 'string' && path !== '')
      roots.set(name.slice(SNAPSHOTTERS.length), path);
  return roots;
}

/**
 * @param ends - What is to be done afterwards, last first.
 * @returns the fault for an index that is damaged; undefined where there are no snapshots.
 */
async function openSnapshots(
  root: string,
  ends: Array<() => PromiseLike<void>>,
): Promise<SnapshotsAtRest | Fault | undefined> {
  const names = (await unlessAbsent(readdir(root))) ?? [];
  if (!names.includes('metadata') && !names.includes('snapshots')) return undefined;
  // What a check that was killed left.
  for (const name of names)
    if (name.startsWith(WORK)) await rm(join(root, name), { recursive: true, force: true });
  const work = await mkdtemp(join(root, WORK));
  ends.push(() => rm(work, { recursive: true, force: true }));
  try {
    const opened = await snapshotsAtRest(root, join(work, 'copy'));
    if (opened !== undefined) ends.push(() => opened[Symbol.asyncDispose]());
    return opened;
  } catch (e) {
    if (Fault.is(e, 'data_loss')) return e;
    throw e;
  }
}

function sourceOf({ store }: SnapshotsAtRest): SnapshotSource {
  return {
    async *list(options) {
      for await (const { info } of store.list([], options)) yield info.name;
    },
    has: async (name, options) => (await unlessGone(store.get(name, options))) !== undefined,
  };
}

function indexFinding(root: string, { message }: Fault): Finding {
  const remedy = 'put it back from a copy, or move the snapshotter’s root away and unpack the images again';
  return { severity: 'error', code: 'snapshot-index', subject: root, text: message, remedy };
}

function* fileFindings(root: string, { missing, orphans }: SnapshotsAtRest): Generator<Finding> {
  for (const { id, info } of missing)
    yield {
      severity: 'error',
      code: 'snapshot-files',
      subject: join(root, 'snapshots', String(id)),
      text: `the files of snapshot ${quote(info.name)} are gone`,
      remedy: 'remove the snapshot (ctr snapshots rm) and what is based on it, and unpack the image again',
    };
  if (orphans.length > 0)
    yield {
      severity: 'note',
      code: 'snapshot-files',
      subject: join(root, 'snapshots'),
      text: `${orphans.length} directories in it are of no snapshot, such as ${orphans[0]}`,
      remedy: 'the daemon deletes them when it starts',
    };
}
