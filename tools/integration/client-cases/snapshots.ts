import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from '@jest/globals';
import { mountedApart } from '@stowage/client';
import { type ClientCase, IMAGE } from './case.ts';

export const snapshotCases: readonly ClientCase[] = [
  {
    name: 'one is prepared on an image, written to, measured, and gone at the end',
    async run(client) {
      const parent = await (await client.image(IMAGE)).rootfs();
      await using snapshot = await client.prepareSnapshot({ parent, labels: { a: 'b' } });
      expect(await snapshot.info()).toMatchObject({ kind: 'active', parent, labels: { a: 'b' } });
      const before = await snapshot.usage();
      {
        const purpose = 'write a file';
        await using mounted = await mountedApart(snapshot.mounts, { purpose, writable: true });
        expect(await readFile(join(mounted.path, 'etc/passwd'), 'utf8')).toContain('root:');
        await writeFile(join(mounted.path, 'added'), 'x'.repeat(10_000));
      }
      const after = await snapshot.usage();
      expect(after.sizeBytes - before.sizeBytes).toBeGreaterThanOrEqual(10_000n);
      expect(after.inodes - before.inodes).toBe(1n);
    },
  },
  {
    name: 'one is committed, and is the parent of a view',
    async run(client) {
      const name = `committed-${Date.now()}`;
      {
        await using snapshot = await client.prepareSnapshot();
        await using made = await mountedApart(snapshot.mounts, { purpose: 'write', writable: true });
        await writeFile(join(made.path, 'file'), 'kept');
        await snapshot.commit(name, { labels: { 'containerd.io/gc.root': 'yes' } });
      }
      {
        await using view = await client.viewSnapshot({ parent: name });
        expect(await view.info()).toMatchObject({ kind: 'view', parent: name });
        await using mounted = await mountedApart(view.mounts, { purpose: 'read' });
        expect(await readFile(join(mounted.path, 'file'), 'utf8')).toBe('kept');
        const parent = client.services.snapshotter('overlayfs').remove(name);
        await expect(parent).rejects.toMatchObject({ kind: 'failed_precondition' });
      }
      await client.services.snapshotter('overlayfs').remove(name);
    },
  },
  {
    name: 'they are listed by kind, name, parent and label, and relabelled',
    async run(client) {
      const snapshots = client.services.snapshotter('overlayfs');
      const parent = await (await client.image(IMAGE)).rootfs();
      await using one = await client.prepareSnapshot({ parent, key: 'one', labels: { tier: 'a' } });
      await using view = await client.viewSnapshot({ parent, key: 'two' });
      const names = async (...filters: string[]) =>
        (await Array.fromAsync(snapshots.list(filters))).map(({ name }) => name).sort();
      expect(await names('kind==active')).toEqual([one.key]);
      expect(await names(`parent==${parent}`)).toEqual([one.key, view.key]);
      expect(await names('labels.tier==a', 'name==two')).toEqual([one.key, view.key]);
      const updated = await snapshots.update('one', { tier: 'b' }, ['labels.tier']);
      expect(updated.labels).toEqual({ tier: 'b' });
      expect(await names('labels.tier==a')).toEqual([]);
      expect(await snapshots.mounts('one')).toEqual(one.mounts);
    },
  },
  {
    name: 'a key in use, a parent that is not there, and a snapshotter that is not there are refused',
    async run(client) {
      await using _taken = await client.prepareSnapshot({ key: 'taken' });
      const again = client.prepareSnapshot({ key: 'taken' });
      await expect(again).rejects.toMatchObject({ kind: 'already_exists' });
      const orphan = client.prepareSnapshot({ parent: 'absent' });
      await expect(orphan).rejects.toMatchObject({ kind: 'not_found' });
      const elsewhere = client.prepareSnapshot({ snapshotter: 'absent' });
      await expect(elsewhere).rejects.toMatchObject({ kind: 'invalid_argument' });
    },
  },
];
