import { open } from 'node:fs/promises';
import { expect, test } from '@jest/globals';
import { jsonBytes, TYPE_URL } from '@stowage/core';
import { pair } from './cases/case.ts';
import { mountsOf, openLocal, openMetadata, scope } from './forms.ts';
import { inWorkplace } from './workplace.ts';

const container = {
  id: 'c',
  labels: {},
  image: '',
  runtime: { name: 'io.containerd.runc.v2' },
  spec: jsonBytes(TYPE_URL.spec, {}),
  snapshotter: '',
  snapshotKey: '',
  extensions: {},
  sandboxId: '',
};
const OF_CONTAINER = 'containerd.io/gc.bref.container';

test('garbage collection undoes what no lease and no living thing keeps', async () => {
  await inWorkplace(async (at) => {
    await using opened = await openMetadata(at.path);
    const { metadata } = opened;
    const { leases, containers } = metadata.scope(scope);
    const mounts = mountsOf(metadata);
    await leases.create({ id: 'l' });
    await containers.create(container);
    await mountsOf(metadata, { ...scope, lease: 'l' }).activate('leased', pair);
    await mounts.activate('of-container', pair, { labels: { [OF_CONTAINER]: 'c' } });
    await mounts.activate('of-nobody', pair, { labels: { [`${OF_CONTAINER}.x`]: 'absent' } });
    await mounts.activate('alone', pair);
    await mountsOf(metadata, { namespace: 'other' }).activate('of-container', pair, {
      labels: { [OF_CONTAINER]: 'c' },
    });
    const names = async () => (await Array.fromAsync(mounts.list(), ({ name }) => name)).sort();
    await metadata.collect();
    expect(await names()).toEqual(['leased', 'of-container']);
    expect(await at.mounted()).toHaveLength(2);
    // As in containerd, a lease holds it and does not tell.
    expect(await Array.fromAsync(leases.resources('l'))).toEqual([]);
    await containers.delete('c');
    await metadata.collect();
    expect(await names()).toEqual(['leased']);
    await leases.delete('l', { sync: true });
    expect(await names()).toEqual([]);
    expect(await at.mounted()).toEqual([]);
  });
});

test('a lease that is gone holds nothing, and nothing is mounted for it', async () => {
  await inWorkplace(async (at) => {
    await using opened = await openMetadata(at.path);
    const mounts = mountsOf(opened.metadata, { ...scope, lease: 'absent' });
    await expect(mounts.activate('n', pair)).rejects.toMatchObject({ kind: 'not_found' });
    expect(await at.mounted()).toEqual([]);
  });
});

test('mounts in use when they are collected are undone by the next collection', async () => {
  await inWorkplace(async (at) => {
    await using opened = await openMetadata(at.path);
    const { metadata } = opened;
    const { active } = await mountsOf(metadata).activate('n', pair);
    {
      await using _file = await open(`${active[0]?.mountPoint}/file`, 'w');
      await metadata.collect();
      await expect(mountsOf(metadata).info('n')).rejects.toMatchObject({ kind: 'not_found' });
      expect(await at.mounted()).toHaveLength(1);
    }
    await metadata.collect();
    expect(await at.mounted()).toEqual([]);
  });
});

test('what the manager has and no record names goes with the orphans', async () => {
  await inWorkplace(async (at) => {
    {
      await using local = await openLocal(at.path);
      await local.mounts.activate('default/7/lost', pair);
      await local.mounts.activate('somebody-elses', pair);
    }
    {
      await using opened = await openMetadata(at.path);
      await opened.metadata.collect({ orphans: true });
      expect(await at.mounted()).toHaveLength(1);
    }
    await using local = await openLocal(at.path);
    await local.mounts.deactivate('somebody-elses');
  });
});

test('a namespace takes its mounts along', async () => {
  await inWorkplace(async (at) => {
    await using opened = await openMetadata(at.path);
    const { metadata } = opened;
    await mountsOf(metadata, { namespace: 'gone' }).activate('n', pair);
    await metadata.namespaces.delete('gone');
    await metadata.collect();
    expect(await at.mounted()).toEqual([]);
  });
});

test('names are of one namespace', async () => {
  await inWorkplace(async (at) => {
    await using opened = await openMetadata(at.path);
    const here = mountsOf(opened.metadata);
    const there = mountsOf(opened.metadata, { namespace: 'there' });
    await here.activate('n', pair);
    await expect(there.info('n')).rejects.toMatchObject({ kind: 'not_found' });
    await there.activate('n', pair);
    await here.deactivate('n');
    expect((await there.info('n')).name).toBe('n');
    await there.deactivate('n');
  });
});

test('the inspector tells what keeps mounts', async () => {
  await inWorkplace(async (at) => {
    await using opened = await openMetadata(at.path);
    const { metadata } = opened;
    await metadata.scope(scope).containers.create(container);
    const mounts = mountsOf(metadata);
    await mounts.activate('n', pair, { labels: { [OF_CONTAINER]: 'c' } });
    const object = { ...scope, kind: 'mounts', name: 'n', snapshotter: '' } as const;
    const inspector = metadata.inspector(scope);
    expect(await inspector.explain(object)).toMatchObject({
      verdict: 'kept',
      path: [{ object: { kind: 'containers', name: 'c' } }, { object: { kind: 'mounts', name: 'n' } }],
    });
    await metadata.scope(scope).containers.delete('c');
    expect(await inspector.explain(object)).toMatchObject({ verdict: expect.not.stringMatching('kept') });
    await metadata.collect();
    await expect(mounts.info('n')).rejects.toMatchObject({ kind: 'not_found' });
  });
});
