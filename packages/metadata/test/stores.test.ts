import { describe, expect, test } from '@jest/globals';
import type { NewContainer } from '@stowage/containers';
import { Fault, type Labels } from '@stowage/core';
import { blobOf, inProcess, names, overConnect, type Reach, Setting, spec } from './setting.ts';

const target = { ...blobOf('x'), mediaType: 'application/vnd.oci.image.index.v1+json' };

function container(id: string, more: Partial<NewContainer> = {}): NewContainer {
  const runtime = { name: 'io.containerd.runc.v2' };
  const parts = {
    labels: {},
    image: '',
    spec,
    snapshotter: '',
    snapshotKey: '',
    extensions: {},
    sandboxId: '',
  };
  return { id, runtime, ...parts, ...more };
}

function hostile(entries: Array<[string, string]>): Labels {
  return Object.assign(Object.create(null), Object.fromEntries(entries)) as Labels;
}

describe.each<[string, Reach]>([
  ['in process', inProcess],
  ['over Connect', overConnect],
])('%s', (_, reach) => {
  test('images are there after a reopen, in the order of their names, each in its namespace', async () => {
    await using at = await Setting.make({}, reach);
    for (const name of ['b/c', 'b-c', 'a', '__proto__', 'constructor', 'v1/!log/0', 'é'])
      await at.scope().images.create({ name, target, labels: { name } });
    await at.reopen();
    const found = await names(at.scope().images.list(), ({ name }) => name);
    expect(found).toEqual(['__proto__', 'a', 'b-c', 'b/c', 'constructor', 'v1/!log/0', 'é']);
    expect((await at.scope().images.get('__proto__')).labels).toEqual({ name: '__proto__' });
    await expect(at.scope('constructor').images.get('a')).rejects.toMatchObject({ kind: 'not_found' });
    expect(await names(at.namespaces.list(), ({ name }) => name)).toEqual(['default']);
  });

  test('a label key may be __proto__', async () => {
    await using at = await Setting.make({}, reach);
    const labels = hostile([
      ['__proto__', 'p'],
      ['constructor', 'c'],
    ]);
    await at.scope().images.create({ name: 'a', target, labels });
    await at.reopen();
    const { labels: kept } = await at.scope().images.get('a');
    expect(Object.entries(kept).sort()).toEqual([
      ['__proto__', 'p'],
      ['constructor', 'c'],
    ]);
    const updated = await at.scope().images.update({ name: 'a', labels: {} }, ['labels.__proto__']);
    expect(Object.keys(updated.labels)).toEqual(['constructor']);
  });

  test('an image needs a name, and a target with digest, size and media type', async () => {
    await using at = await Setting.make({}, reach);
    const { images } = at.scope();
    const create = (more: object) => images.create({ name: 'a', target, labels: {}, ...more });
    await expect(create({ name: '' })).rejects.toMatchObject({ kind: 'invalid_argument' });
    await expect(create({ target: { ...target, size: 0n } })).rejects.toMatchObject({
      kind: 'invalid_argument',
    });
    await expect(create({ target: { ...target, mediaType: '' } })).rejects.toMatchObject({
      kind: 'invalid_argument',
    });
    await expect(create({ labels: { a: 'x'.repeat(4097) } })).rejects.toMatchObject({
      kind: 'invalid_argument',
    });
    await create({});
    await expect(create({})).rejects.toMatchObject({ kind: 'already_exists' });
  });

  test('an image update changes what its paths name, or everything', async () => {
    await using at = await Setting.make({}, reach);
    const { images } = at.scope();
    const made = await images.create({ name: 'a', target, labels: { 'x.y/z': '1', b: '2' } });
    const masked = await images.update({ name: 'a', labels: { 'x.y/z': '3', b: '9' } }, ['labels.x.y/z']);
    expect(masked).toMatchObject({ labels: { 'x.y/z': '3', b: '2' }, target, createdAt: made.createdAt });
    const other = { ...blobOf('other'), mediaType: target.mediaType };
    expect(await images.update({ name: 'a', target: other }, ['target'])).toMatchObject({
      target: other,
      labels: { b: '2' },
    });
    const noted = await images.update({ name: 'a', target: { annotations: { k: 'v' } } }, ['annotations.k']);
    expect(noted.target).toMatchObject({ digest: other.digest, annotations: { k: 'v' } });
    const replaced = await images.update({ name: 'a', target, labels: {} });
    expect(replaced.labels).toEqual({});
    expect(replaced.target).not.toHaveProperty('annotations');
    await expect(images.update({ name: 'a' }, ['name'])).rejects.toMatchObject({ kind: 'invalid_argument' });
    await expect(images.update({ name: 'a' })).rejects.toMatchObject({ kind: 'invalid_argument' });
    await expect(images.update({ name: 'b', target })).rejects.toMatchObject({ kind: 'not_found' });
  });

  test('an image is stamped with the source date epoch where one is given', async () => {
    await using at = await Setting.make({}, reach);
    const sourceDateEpoch = new Date('2001-02-03T04:05:06Z');
    const image = await at.scope().images.create({ name: 'a', target, labels: {} }, { sourceDateEpoch });
    expect(image).toMatchObject({ createdAt: sourceDateEpoch, updatedAt: sourceDateEpoch });
  });

  test('an image is deleted only while it points where the caller believes', async () => {
    await using at = await Setting.make({}, reach);
    const { images } = at.scope();
    await images.create({ name: 'a', target, labels: {} });
    await expect(images.delete('a', { target: blobOf('other') })).rejects.toMatchObject({
      kind: 'not_found',
    });
    await images.delete('a', { target });
    await expect(images.delete('a')).rejects.toMatchObject({ kind: 'not_found' });
  });

  test('lists match any of their filters, and fail on a bad one when they are read', async () => {
    await using at = await Setting.make({}, reach);
    const { images, containers } = at.scope();
    for (const name of ['a', 'b', 'c']) await images.create({ name, target, labels: { l: name } });
    expect(await names(images.list(['name==a', 'labels.l==c']), ({ name }) => name)).toEqual(['a', 'c']);
    expect(
      await names(images.list([`target.digest==${target.digest},name~=[bc]`]), ({ name }) => name),
    ).toEqual(['b', 'c']);
    await expect(names(images.list(['=']), ({ name }) => name)).rejects.toMatchObject({
      kind: 'invalid_argument',
    });
    await containers.create(container('one', { image: 'a', labels: { k: 'v' } }));
    await containers.create(container('two', { runtime: { name: 'other' } }));
    expect(await names(containers.list(['runtime.name==other']), ({ id }) => id)).toEqual(['two']);
    expect(await names(containers.list(['image']), ({ id }) => id)).toEqual(['one']);
  });

  test('a container keeps its spec and extensions as they are', async () => {
    await using at = await Setting.make({}, reach);
    const { containers } = at.scope();
    const extensions = { __e: { typeUrl: 'example.com/E', value: new Uint8Array([1, 2, 3]) } };
    const options = { typeUrl: 'containerd.runc.v1.Options', value: new Uint8Array([8, 1]) };
    const runtime = { name: 'io.containerd.runc.v2', options };
    await containers.create(
      container('c1', { extensions, runtime, snapshotter: 'memory', snapshotKey: 'k' }),
    );
    await at.reopen();
    const found = await at.scope().containers.get('c1');
    expect(found).toMatchObject({ id: 'c1', spec, runtime, snapshotter: 'memory', snapshotKey: 'k' });
    expect(Buffer.from(found.extensions.__e?.value ?? []).toString('hex')).toBe('010203');
  });

  test('a container update changes what its paths name, and never snapshotter or runtime', async () => {
    await using at = await Setting.make({}, reach);
    const { containers } = at.scope();
    const first = container('c1', { snapshotter: 'memory', snapshotKey: 'k', labels: { a: '1' } });
    await containers.create(first);
    const bare = container('c1', {
      runtime: { name: '' },
      spec: undefined,
      snapshotKey: 'k2',
      labels: { b: '2' },
    });
    expect(await containers.update(bare, ['snapshotkey', 'labels.b'])).toMatchObject({
      snapshotKey: 'k2',
      labels: { a: '1', b: '2' },
      spec,
    });
    await expect(containers.update({ ...first, snapshotter: 'x' })).rejects.toMatchObject({
      kind: 'invalid_argument',
    });
    await expect(containers.update({ ...first, runtime: { name: 'x' } })).rejects.toMatchObject({
      kind: 'invalid_argument',
    });
    await expect(containers.update(first, ['snapshot_key'])).rejects.toMatchObject({
      kind: 'invalid_argument',
    });
    expect(await containers.update(first)).toMatchObject({ snapshotKey: 'k', labels: { a: '1' } });
  });

  test.each<[string, Partial<NewContainer>]>([
    ['a bad id', { id: 'a/b' }],
    ['no runtime', { runtime: { name: '' } }],
    ['no spec', { spec: undefined }],
    ['a snapshot key without snapshotter', { snapshotKey: 'k' }],
    ['an extension without key', { extensions: { '': spec } }],
  ])('a container with %s is refused', async (_, more) => {
    await using at = await Setting.make({}, reach);
    await expect(at.scope().containers.create(container('c1', more))).rejects.toMatchObject({
      kind: 'invalid_argument',
    });
  });

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
    await expect(leases.addResource('m', { type: 'content', id: 'x' })).rejects.toMatchObject({
      kind: 'not_found',
    });
    await expect(leases.delete('m')).rejects.toMatchObject({ kind: 'not_found' });
    await expect(Array.fromAsync(leases.resources('m'))).rejects.toMatchObject({ kind: 'not_found' });
  });

  test('an image that expires goes into the lease, others do not', async () => {
    await using at = await Setting.make({}, reach);
    await at.scope().leases.create({ id: 'l' });
    const { images, leases } = at.scope('default', 'l');
    await images.create({ name: 'plain', target, labels: {} });
    await images.create({
      name: 'fading',
      target,
      labels: { 'containerd.io/gc.expire': '2099-01-01T00:00:00Z' },
    });
    expect(await Array.fromAsync(leases.resources('l'))).toEqual([{ type: 'images', id: 'fading' }]);
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
    await expect(namespaces.update({ name: 'nobody', labels: {} })).rejects.toMatchObject({
      kind: 'not_found',
    });
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
    await containers.create(container('c1'));
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
    await containers.create(container('c1'));
    await containers.update(container('c1'), ['labels']);
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

  test('many who make the same image: one does', async () => {
    await using at = await Setting.make({}, reach);
    const attempts = Array.from({ length: 20 }, () =>
      at.scope().images.create({ name: 'a', target, labels: {} }),
    );
    const settled = await Promise.allSettled(attempts);
    expect(settled.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    for (const one of settled)
      if (one.status === 'rejected') expect(Fault.is(one.reason, 'already_exists')).toBe(true);
    expect(at.heard.topics).toEqual(['/images/create']);
  });
});
