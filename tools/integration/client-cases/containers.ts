import { expect } from '@jest/globals';
import { jsonBytes, TYPE_URL } from '@stowage/core';
import { parseSpec, withAnnotations, withArgs, withEnv, withHostname } from '@stowage/oci-spec';
import { type ClientCase, IMAGE } from './case.ts';

const runtime = { name: 'io.containerd.runc.v2' };
const spec = jsonBytes(TYPE_URL.spec, {});
const bare = (id: string) => ({
  ...{ id, labels: {}, image: '', runtime, spec },
  ...{ snapshotter: '', snapshotKey: '', extensions: {}, sandboxId: '' },
});

export const containerCases: readonly ClientCase[] = [
  {
    name: 'one is made with its spec and snapshot, and all goes with it',
    async run(client) {
      const image = await client.image(IMAGE);
      const spec = [withArgs('true'), withHostname('here'), withEnv(['A=b']), withAnnotations({ note: 'x' })];
      {
        await using made = await client.createContainer({ id: 'made', image, spec, labels: { who: 'me' } });
        const info = await made.info();
        expect(info).toMatchObject({ id: 'made', image: IMAGE, labels: { who: 'me' }, runtime });
        expect(info).toMatchObject({ snapshotter: 'overlayfs', snapshotKey: 'made' });
        const { process, hostname, annotations } = parseSpec(info.spec as NonNullable<typeof info.spec>);
        expect(process).toMatchObject({ args: ['true'], env: expect.arrayContaining(['A=b', 'PATH=/bin']) });
        expect([hostname, annotations?.note]).toEqual(['here', 'x']);
      }
      const snapshots = await Array.fromAsync(client.services.snapshotter('overlayfs').list(['name==made']));
      expect(snapshots).toEqual([]);
    },
  },
  {
    name: 'records are made, read, changed, listed and deleted',
    async run(client) {
      const { containers } = client.services;
      await containers.create({ ...bare('one'), labels: { tier: 'a', 'x.y/z': '1' } });
      await containers.create({ ...bare('two'), labels: { tier: 'b' } });
      const ids = async (...filters: string[]) =>
        (await Array.fromAsync(containers.list(filters))).map(({ id }) => id).sort();
      expect(await ids()).toEqual(['one', 'two']);
      expect(await ids('labels.tier==a')).toEqual(['one']);
      expect(await ids('labels."x.y/z"==1', 'id==two')).toEqual(['one', 'two']);
      expect(await ids('id==one,labels.tier==b')).toEqual([]);
      expect(await ids('runtime.name==io.containerd.runc.v2')).toEqual(['one', 'two']);
      const before = await containers.get('one');
      const after = await containers.update({ ...bare('one'), labels: { 'x.y/z': '2' } }, ['labels.x.y/z']);
      expect(after.labels).toEqual({ tier: 'a', 'x.y/z': '2' });
      expect(after.createdAt).toEqual(before.createdAt);
      expect(after.updatedAt.getTime()).toBeGreaterThanOrEqual(before.updatedAt.getTime());
      const rest = await containers.update({ ...bare('one'), labels: { 'x.y/z': '' } }, ['labels.x.y/z']);
      expect(rest.labels).toEqual({ tier: 'a' });
      await containers.delete('one');
      await containers.delete('two');
      await expect(containers.get('one')).rejects.toMatchObject({ kind: 'not_found' });
    },
  },
  {
    name: 'one that is not unpacked, or whose id is in use, is not made',
    async run(client) {
      const image = await client.image(IMAGE);
      await using _first = await client.createContainer({ id: 'taken', image });
      const again = client.createContainer({ id: 'taken', image });
      await expect(again).rejects.toMatchObject({ kind: 'already_exists' });
      const other = client.createContainer({ id: 'taken', image, snapshotKey: 'other' });
      await expect(other).rejects.toMatchObject({ kind: 'already_exists' });
      const raw = client.createContainer({ id: 'raw', image, snapshotter: 'native' });
      await expect(raw).rejects.toMatchObject({ kind: 'not_found' });
    },
  },
];
