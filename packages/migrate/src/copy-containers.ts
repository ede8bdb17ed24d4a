import type { Container } from '@stowage/containers';
import { Fault, unlessGone } from '@stowage/core';
import { type Both, each } from './both.ts';
import { SnapshotCopy } from './copy-snapshots.ts';

/** All containers of the namespace with their files, as they are now. What runs in them goes on where it is. */
export async function copyContainers(both: Both): Promise<void> {
  const { from, to, dryRun, signal } = both;
  for await (const container of from.services.containers.list([], { signal })) {
    await each(both, { kind: 'container', name: container.id }, async () => {
      if ((await unlessGone(to.services.containers.get(container.id, { signal }))) !== undefined)
        return { state: 'exists' };
      if (dryRun) return { state: 'would' };
      await copyFiles(both, container);
      try {
        await to.services.containers.create(container, { signal });
      } catch (e) {
        const { snapshotter, snapshotKey } = container;
        if (snapshotKey !== '') await unlessGone(to.services.snapshotter(snapshotter).remove(snapshotKey));
        throw e;
      }
      return { state: 'copied', reason: await stillRuns(both, container) };
    });
  }
}

async function copyFiles(both: Both, { image, snapshotter, snapshotKey }: Container): Promise<void> {
  const { to, signal } = both;
  if (snapshotKey === '') return;
  const there = to.services.snapshotter(snapshotter);
  // Of an earlier try that did not get so far as to make the container.
  await unlessGone(there.remove(snapshotKey, { signal }));
  await unpackImage(both, image, snapshotter);
  await new SnapshotCopy(both, snapshotter).active(snapshotKey);
}

/**
 * So that the layers of its image come from what the registry gave, and not as what differs. Where that can't be, as for an
 * image that was removed, the snapshots themselves are copied.
 */
async function unpackImage({ to, signal }: Both, name: string, snapshotter: string): Promise<void> {
  if (name === '') return;
  try {
    const image = await to.image(name, { signal });
    await image.unpack({ snapshotter, signal });
  } catch (e) {
    signal?.throwIfAborted();
    if (!Fault.is(e)) throw e;
  }
}

/** What is written from now on is not copied. */
async function stillRuns({ from, signal }: Both, { id }: Container): Promise<string | undefined> {
  const task = await unlessGone(from.services.tasks.get({ containerId: id }, { signal }));
  if (task === undefined || task.status === 'stopped') return undefined;
  return 'it runs there, and its files were copied as they were; stop it, remove the copy and migrate again for all of them';
}
