import { describe, expect, test } from '@jest/globals';
import { inProcess, names, newContainer, overConnect, type Reach, Setting, target } from './setting.ts';

describe.each<[string, Reach]>([
  ['in process', inProcess],
  ['over Connect', overConnect],
])('%s', (_, reach) => {
  test('a lease holds resources by type and id, whether or not they exist', async () => {
    await using at = await Setting.make({}, reach);
    const { leases } = at.scope();
    const lease = await leases.create({ labels: { a: 'b' } });
    expect(lease.id).not.toBe('');
    const hostileId = 'a/resources/!x/..';
    await leases.create({ id: hostileId });
    await expect(leases.create({ id: hostileId })).rejects.toMatchObject({ kind: 'already_exists' });
    const resources = [
      { type: 'content', id: target.digest },
      { type: 'images', id: 'docker.io/library/a:latest' },
      { type: 'ingests', id: 'layer-1' },
      { type: 'snapshots/memory', id: 'a/b' },
    ];
    for (const resource of resources) await leases.addResource(hostileId, resource);
    expect(await Array.fromAsync(leases.resources(hostileId))).toEqual(resources);
    expect(await Array.fromAsync(leases.resources(lease.id))).toEqual([]);
    expect(await names(leases.list(['labels.a==b']), ({ id }) => id)).toEqual([lease.id]);
    await leases.deleteResource(hostileId, { type: 'ingests', id: 'layer-1' });
    expect(await Array.fromAsync(leases.resources(hostileId))).toHaveLength(3);
    await leases.delete(hostileId);
    await leases.create({ id: hostileId });
    expect(await Array.fromAsync(leases.resources(hostileId))).toEqual([]);
  });

  test('a lease takes only types that it can hold, and has to be there', async () => {
    await using at = await Setting.make({}, reach);
    const { leases } = at.scope();
    await leases.create({ id: 'l' });
    const add = (type: string, id = 'x') => leases.addResource('l', { type, id });
    await expect(add('mounts')).rejects.toMatchObject({ kind: 'unimplemented' });
    await expect(add('snapshots')).rejects.toMatchObject({ kind: 'invalid_argument' });
    await expect(add('content/x')).rejects.toMatchObject({ kind: 'invalid_argument' });
    await expect(leases.addResource('m', { type: 'images', id: 'x' })).rejects.toMatchObject({
      kind: 'not_found',
    });
    await expect(leases.delete('m')).rejects.toMatchObject({ kind: 'not_found' });
    await expect(Array.fromAsync(leases.resources('m'))).rejects.toMatchObject({ kind: 'not_found' });
  });

  test('a namespace is there once anything was made in it; an unknown one has no labels', async () => {
    await using at = await Setting.make({}, reach);
    const { namespaces } = at.metadata;
    expect(await namespaces.get('nobody')).toEqual({ name: 'nobody', labels: {} });
    await namespaces.create({ name: 'made', labels: { a: '1', gone: '' } });
    await expect(namespaces.create({ name: 'made', labels: {} })).rejects.toMatchObject({
      kind: 'already_exists',
    });
    await at.scope('implied').leases.create({ id: 'l' });
    expect(await names(namespaces.list(), ({ name }) => name)).toEqual(['implied', 'made']);
    await expect(namespaces.create({ name: 'implied', labels: {} })).rejects.toMatchObject({
      kind: 'already_exists',
    });
    expect(await namespaces.update({ name: 'made', labels: { b: '2' } }, ['labels.b'])).toEqual({
      name: 'made',
      labels: { a: '1', b: '2' },
    });
    await expect(namespaces.update({ name: 'made', labels: {} }, ['labels'])).rejects.toMatchObject({
      kind: 'invalid_argument',
    });
    expect((await namespaces.update({ name: 'made', labels: { c: '3' } })).labels).toEqual({ c: '3' });
    for (const name of ['', '__proto__', 'a/b'])
      await expect(namespaces.create({ name, labels: {} })).rejects.toMatchObject({
        kind: 'invalid_argument',
      });
  });

  test('a namespace goes only when it is empty, and its leases with it', async () => {
    await using at = await Setting.make({}, reach);
    const { namespaces } = at.metadata;
    const { images, containers, leases } = at.scope('n');
    await images.create({ name: 'a', target, labels: {} });
    await containers.create(newContainer('c1'));
    await leases.create({ id: 'l' });
    const refused = namespaces.delete('n');
    await expect(refused).rejects.toMatchObject({ kind: 'failed_precondition' });
    await expect(refused).rejects.toThrow('images, containers');
    await images.delete('a');
    await containers.delete('c1');
    await namespaces.delete('n');
    await expect(namespaces.delete('n')).rejects.toMatchObject({ kind: 'not_found' });
    expect(await Array.fromAsync(leases.list())).toEqual([]);
  });

  test('events tell what was written, in that order, after it was', async () => {
    await using at = await Setting.make({}, reach);
    const { images, containers } = at.scope('n');
    await at.namespaces.create({ name: 'n', labels: {} });
    await images.create({ name: 'a', target, labels: { l: 'v' } });
    await images.update({ name: 'a', labels: {} }, ['labels']);
    await images.delete('a');
    await containers.create(newContainer('c1'));
    await containers.update(newContainer('c1'), ['labels']);
    await containers.delete('c1');
    await at.namespaces.delete('n');
    expect(at.heard.topics).toEqual([
      '/namespaces/create',
      '/images/create',
      '/images/update',
      '/images/delete',
      '/containers/create',
      '/containers/update',
      '/containers/delete',
      '/namespaces/delete',
    ]);
    const [, created] = at.heard.envelopes;
    expect(created).toMatchObject({
      namespace: 'n',
      event: { typeUrl: 'containerd.services.images.v1.ImageCreate' },
    });
  });

  test('a mutation that is refused writes nothing and tells nothing', async () => {
    await using at = await Setting.make({}, reach);
    await expect(at.scope('n', 'nolease').content?.writer({ ref: 'r' })).rejects.toMatchObject({
      kind: 'not_found',
    });
    expect(await Array.fromAsync(at.namespaces.list())).toEqual([]);
    expect(at.heard.envelopes).toEqual([]);
  });
});
