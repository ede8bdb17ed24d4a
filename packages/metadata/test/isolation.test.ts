import { describe, expect, test } from '@jest/globals';
import {
  inProcess,
  newContainer,
  newSandbox,
  overConnect,
  put,
  type Reach,
  Setting,
  target,
} from './setting.ts';

const NOT_FOUND = { kind: 'not_found' };

/** Makes one object of every kind in a namespace, all of the same names wherever it is. */
async function fill(at: Setting, namespace: string): Promise<void> {
  const { images, containers, sandboxes, leases, snapshotter } = at.scope(namespace);
  await images.create({ name: 'x', target, labels: { in: namespace } });
  await containers.create(newContainer('x', { labels: { in: namespace } }));
  await sandboxes.create(newSandbox('x', { labels: { in: namespace } }));
  await leases.create({ id: 'x', labels: { in: namespace } });
  await leases.addResource('x', { type: 'images', id: namespace });
  await put(at.contentOf(namespace), `blob of ${namespace}`);
  await snapshotter('memory').prepare('x', '', { labels: { in: namespace } });
}

/** What a namespace shows of all kinds. */
async function shown(at: Setting, namespace: string): Promise<object> {
  const { images, containers, sandboxes, leases, snapshotter } = at.scope(namespace);
  const of = async (items: AsyncIterable<{ readonly labels: Readonly<Record<string, string>> }>) =>
    (await Array.fromAsync(items)).map(({ labels }) => labels.in);
  return {
    images: await of(images.list()),
    containers: await of(containers.list()),
    sandboxes: await of(sandboxes.list()),
    leases: await of(leases.list()),
    resources: (await Array.fromAsync(leases.resources('x'))).map(({ id }) => id),
    blobs: (await Array.fromAsync(at.contentOf(namespace).list())).map(({ sizeBytes }) => sizeBytes),
    snapshots: await of(snapshotter('memory').list()),
  };
}

function full(namespace: string): object {
  const one = [namespace];
  const blobs = [BigInt(`blob of ${namespace}`.length)];
  return { images: one, containers: one, sandboxes: one, leases: one, resources: one, blobs, snapshots: one };
}

describe.each<[string, Reach]>([
  ['in process', inProcess],
  ['over Connect', overConnect],
])('%s', (_, reach) => {
  test('namespaces with the same names in them, and with names that begin alike, see nothing of each other', async () => {
    await using at = await Setting.make({}, reach);
    const namespaces = ['a', 'a.b', 'a-b', 'ab', 'constructor'];
    for (const namespace of namespaces) await fill(at, namespace);
    await at.reopen();
    for (const namespace of namespaces)
      expect([namespace, await shown(at, namespace)]).toEqual([namespace, full(namespace)]);
  });

  test('no call reaches an object of another namespace', async () => {
    await using at = await Setting.make({}, reach);
    await fill(at, 'theirs');
    const blob = (await Array.fromAsync(at.contentOf('theirs').list()))[0];
    if (blob === undefined) throw new Error('there is a blob');
    const { images, containers, sandboxes, leases, snapshotter } = at.scope('mine');
    const content = at.contentOf('mine');
    const snapshots = snapshotter('memory');
    const calls: Readonly<Record<string, () => Promise<unknown>>> = {
      'images.get': () => images.get('x'),
      'images.update': () => images.update({ name: 'x', labels: {} }, ['labels']),
      'images.delete': () => images.delete('x'),
      'containers.get': () => containers.get('x'),
      'containers.update': () => containers.update(newContainer('x'), ['labels']),
      'containers.delete': () => containers.delete('x'),
      'sandboxes.get': () => sandboxes.get('x'),
      'sandboxes.update': () => sandboxes.update(newSandbox('x'), ['labels']),
      'sandboxes.delete': () => sandboxes.delete('x'),
      'leases.delete': () => leases.delete('x'),
      'leases.addResource': () => leases.addResource('x', { type: 'images', id: 'x' }),
      'leases.deleteResource': () => leases.deleteResource('x', { type: 'images', id: 'theirs' }),
      'leases.resources': () => Array.fromAsync(leases.resources('x')),
      'content.info': () => content.info(blob.digest),
      'content.update': () => content.update(blob.digest, {}, ['labels']),
      'content.read': () => Array.fromAsync(content.read(blob.digest)),
      'content.delete': () => content.delete(blob.digest),
      'snapshots.stat': () => snapshots.stat('x'),
      'snapshots.mounts': () => snapshots.mounts('x'),
      'snapshots.usage': () => snapshots.usage('x'),
      'snapshots.update': () => snapshots.update('x', {}, ['labels']),
      'snapshots.commit': () => snapshots.commit('y', 'x'),
      'snapshots.remove': () => snapshots.remove('x'),
      'snapshots.prepare of a parent': () => snapshots.prepare('y', 'x'),
    };
    for (const [call, make] of Object.entries(calls)) {
      const kind = await make().then(
        () => 'no failure',
        (e: { kind?: string }) => e.kind,
      );
      expect([call, kind]).toEqual([call, 'not_found']);
    }
    expect(await shown(at, 'theirs')).toEqual(full('theirs'));
  });

  test('a lease of another namespace holds nothing that is made here', async () => {
    await using at = await Setting.make({}, reach);
    await fill(at, 'theirs');
    const foreign = at.scope('mine', 'x');
    const labels = { 'containerd.io/gc.expire': '2099-01-01T00:00:00Z' };
    await expect(foreign.images.create({ name: 'y', target, labels })).rejects.toMatchObject(NOT_FOUND);
    await expect(foreign.snapshotter('memory').prepare('y', '')).rejects.toMatchObject(NOT_FOUND);
    await expect(put(at.contentOf('mine', 'x'), 'y')).rejects.toMatchObject(NOT_FOUND);
    expect(await shown(at, 'theirs')).toEqual(full('theirs'));
  });

  test('a namespace that is not empty says all kinds of what is in it, and by which snapshotter', async () => {
    await using at = await Setting.make({}, reach);
    await fill(at, 'n');
    const { images, containers, sandboxes, snapshotter } = at.scope('n');
    const refusal = async () => {
      const e: { kind?: string; message?: string } = await at.namespaces.delete('n').then(
        () => ({}),
        (e: object) => e,
      );
      expect(e.kind).toBe('failed_precondition');
      return e.message?.split('it still has ')[1];
    };
    expect(await refusal()).toBe('images, blobs, containers, sandboxes, snapshots on "memory" snapshotter');
    await images.delete('x');
    await containers.delete('x');
    expect(await refusal()).toBe('blobs, sandboxes, snapshots on "memory" snapshotter');
    await sandboxes.delete('x');
    await snapshotter('memory').remove('x');
    expect(await refusal()).toBe('blobs');
    const content = at.contentOf('n');
    for (const { digest } of await Array.fromAsync(content.list())) await content.delete(digest);
    await at.namespaces.delete('n');
    expect(await Array.fromAsync(at.namespaces.list())).toEqual([]);
  });
});

test('a resource that is added while its namespace is deleted is not found in the next one of that name', async () => {
  await using at = await Setting.make();
  const { leases } = at.scope('n');
  const outcomes = new Set<string>();
  for (let n = 0; n < 100; n += 1) {
    await leases.create({ id: 'l' });
    const adding = leases.addResource('l', { type: 'images', id: 'left' }).then(
      () => 'added',
      (e: { kind: string }) => e.kind,
    );
    if (n % 2 === 0) await new Promise(setImmediate);
    await at.namespaces.delete('n');
    outcomes.add(await adding);
    await leases.create({ id: 'l' });
    expect(await Array.fromAsync(leases.resources('l'))).toEqual([]);
    await at.namespaces.delete('n');
  }
  expect(outcomes).toContain('added');
});
