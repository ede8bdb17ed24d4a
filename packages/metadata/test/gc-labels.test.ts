import { expect, test } from '@jest/globals';
import { type Digest, LABEL, type Labels } from '@stowage/core';
import { blobOf, names, newContainer, put, Setting, target } from './setting.ts';

const START = Date.parse('2030-01-01T00:00:00Z');
const HOUR_MS = 3_600_000;
const sandbox = { runtime: { name: '' }, spec: undefined, extensions: {}, sandboxer: 'shim' };

async function blobs(at: Setting): Promise<Digest[]> {
  return (await Array.fromAsync(at.contentOf().list())).map(({ digest }) => digest);
}

async function snapshots(at: Setting): Promise<string[]> {
  return (await names(at.scope().snapshotter('memory').list(), ({ name }) => name)).sort();
}

function ref(to: string, value: string): Labels {
  return { [`containerd.io/gc.ref.${to}`]: value };
}

test('what any kind of object names by its labels stays as long as that object', async () => {
  await using at = await Setting.make();
  const view = at.scope();
  const s = view.snapshotter('memory');
  const ofImage = await put(at.contentOf(), 'image');
  const ofSandbox = await put(at.contentOf(), 'sandbox');
  const ofSnapshot = await put(at.contentOf(), 'snapshot');
  const ofContainer = await put(at.contentOf(), 'container');
  const expires = { [LABEL.gcExpire]: '2020-01-01T00:00:00Z' };
  await view.images.create({
    name: 'named',
    target,
    labels: { ...expires, ...ref('content.x', ofImage.digest) },
  });
  await view.images.create({ name: 'i', target, labels: ref('image.base', 'named') });
  await s.prepare('a', '', { labels: ref('content/x', ofSnapshot.digest) });
  await s.prepare('b', '');
  await view.sandboxes.create({
    id: 's',
    labels: { ...ref('content', ofSandbox.digest), ...ref('snapshot.memory/x', 'b') },
    ...sandbox,
  });
  const parts = { snapshotter: 'memory', snapshotKey: 'a', labels: ref('content', ofContainer.digest) };
  await view.containers.create(newContainer('c', parts));
  await at.metadata.collect();
  expect((await blobs(at)).sort()).toEqual(
    [ofImage, ofSandbox, ofSnapshot, ofContainer].map(({ digest }) => digest).sort(),
  );
  expect(await snapshots(at)).toEqual(['a', 'b']);
  await view.sandboxes.delete('s');
  await view.containers.delete('c');
  await at.metadata.collect();
  expect(await blobs(at)).toEqual([ofImage.digest]);
  expect(await snapshots(at)).toEqual([]);
  await view.images.delete('i', { sync: true });
  expect(await blobs(at)).toEqual([]);
  expect(await names(view.images.list(), ({ name }) => name)).toEqual([]);
  expect(at.heard.topics.filter((topic) => topic === '/images/delete')).toHaveLength(2);
  expect(at.heard.topics.filter((topic) => topic === '/snapshot/remove')).toHaveLength(2);
});

test.each<[string, (at: Setting) => Promise<unknown>, (at: Setting) => Promise<unknown>]>([
  [
    'container',
    (at) => at.scope().containers.create(newContainer('x')),
    (at) => at.scope().containers.delete('x'),
  ],
  [
    'image',
    (at) => at.scope().images.create({ name: 'x', target, labels: {} }),
    (at) => at.scope().images.delete('x'),
  ],
  [
    'content',
    (at) => put(at.contentOf(), 'x', { [LABEL.gcRoot]: 'yes' }),
    (at) => at.contentOf().update(blobOf('x').digest, {}),
  ],
  [
    'snapshot.memory',
    (at) =>
      at
        .scope()
        .snapshotter('memory')
        .prepare('x', '', { labels: { [LABEL.gcRoot]: 'yes' } }),
    (at) => at.scope().snapshotter('memory').update('x', {}),
  ],
])(
  'by gc.bref.%s a blob, a snapshot and an expired image live as long as another',
  async (kind, make, end) => {
    await using at = await Setting.make();
    await make(at);
    const labels = { [`containerd.io/gc.bref.${kind}`]: kind === 'content' ? blobOf('x').digest : 'x' };
    const blob = await put(at.contentOf(), 'blob', labels);
    await at.scope().snapshotter('memory').prepare('bound', '', { labels });
    const expired = { ...labels, [LABEL.gcExpire]: '2020-01-01T00:00:00Z' };
    await at.scope().images.create({ name: 'bound', target, labels: expired });
    await at.metadata.collect();
    expect(await blobs(at)).toContain(blob.digest);
    expect(await snapshots(at)).toContain('bound');
    expect(await names(at.scope().images.list(), ({ name }) => name)).toContain('bound');
    await end(at);
    await at.metadata.collect();
    expect(await blobs(at)).not.toContain(blob.digest);
    expect(await snapshots(at)).not.toContain('bound');
    expect(await names(at.scope().images.list(), ({ name }) => name)).not.toContain('bound');
  },
);

test('by gc.cond a blob or an image keeps a snapshot that was used lately', async () => {
  let now = START;
  await using at = await Setting.make({ now: () => new Date(now) });
  const s = at.scope().snapshotter('memory');
  const used = { 'containerd.io/gc.cond.value-usedat': new Date(START).toISOString() };
  for (const name of ['one', 'two', 'never'])
    await s.prepare(name, '', { labels: name === 'never' ? {} : used });
  const when = (value: string) => ({ 'containerd.io/gc.cond.snapshot.memory': value });
  await put(at.contentOf(), 'config', { [LABEL.gcRoot]: 'yes', ...when('usedat<1h,usedat<72h|one') });
  await at.scope().images.create({ name: 'i', target, labels: when('usedat<1h|two') });
  await at.scope().images.create({ name: 'j', target, labels: when('usedat<1h|never') });
  await at.metadata.collect();
  expect(await snapshots(at)).toEqual(['one', 'two']);
  now += 2 * HOUR_MS;
  await at.metadata.collect();
  expect(await snapshots(at)).toEqual(['one']);
  await s.update('one', { 'containerd.io/gc.cond.value-usedat': new Date(now).toISOString() });
  now += 71 * HOUR_MS;
  await at.metadata.collect();
  expect(await snapshots(at)).toEqual(['one']);
  now += 2 * HOUR_MS;
  await at.metadata.collect();
  expect(await snapshots(at)).toEqual([]);
});

test('an expiry that is no time is logged, and never comes', async () => {
  const logged: unknown[] = [];
  const info = (fields: unknown): void => void logged.push(fields);
  await using at = await Setting.make({ log: { debug() {}, info, warn() {}, error() {} } });
  // Date takes this for a moment in 2001.
  const labels = { [LABEL.gcExpire]: '1' };
  await at.scope().leases.create({ id: 'l', labels });
  await at.scope().images.create({ name: 'i', target, labels });
  const { nextExpiry } = await at.metadata.collect();
  expect(nextExpiry).toBeUndefined();
  expect(await names(at.scope().leases.list(), ({ id }) => id)).toEqual(['l']);
  expect(await names(at.scope().images.list(), ({ name }) => name)).toEqual(['i']);
  expect(logged).toContainEqual({ namespace: 'default', lease: 'l', value: '1' });
});

test('an ingest keeps what it will become, if that is there already', async () => {
  await using at = await Setting.make();
  await at.scope().leases.create({ id: 'l' });
  const leased = at.contentOf('default', 'l');
  const blob = blobOf('x');
  await (await leased.writer({ ref: 'r', expected: blob.digest }))[Symbol.asyncDispose]();
  await put(at.contentOf(), 'x');
  await at.metadata.collect();
  expect(await blobs(at)).toEqual([blob.digest]);
  await at.scope().leases.delete('l', { sync: true });
  expect(await blobs(at)).toEqual([]);
});
