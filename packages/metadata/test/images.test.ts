import { describe, expect, test } from '@jest/globals';
import { Fault, type Labels } from '@stowage/core';
import {
  blobOf,
  inProcess,
  names,
  newContainer,
  overConnect,
  type Reach,
  Setting,
  target,
} from './setting.ts';

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
    await containers.create(newContainer('one', { image: 'a', labels: { k: 'v' } }));
    await containers.create(newContainer('two', { runtime: { name: 'other' } }));
    expect(await names(containers.list(['runtime.name==other']), ({ id }) => id)).toEqual(['two']);
    expect(await names(containers.list(['image']), ({ id }) => id)).toEqual(['one']);
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
