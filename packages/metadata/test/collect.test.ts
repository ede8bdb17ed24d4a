import { setTimeout as pause } from 'node:timers/promises';
import { expect, test } from '@jest/globals';
import { type Digest, LABEL, type Labels } from '@stowage/core';
import type { Snapshotter } from '@stowage/snapshots';
import { blobOf, put, Setting, spec } from './setting.ts';

async function has(at: Setting, digest: Digest, namespace = 'default'): Promise<boolean> {
  return at
    .contentOf(namespace)
    .info(digest)
    .then(
      () => true,
      () => false,
    );
}

async function keysOf(at: Setting, namespace = 'default'): Promise<string[]> {
  const list = at.scope(namespace).snapshotter('memory').list();
  return (await Array.fromAsync(list)).map(({ name }) => name).sort();
}

async function chain(s: Snapshotter, ...names: string[]): Promise<void> {
  let parent = '';
  for (const name of names) {
    await s.prepare(`active-${name}`, parent);
    await s.commit(name, `active-${name}`);
    parent = name;
  }
}

function refs(...refs: Array<[string, string]>): Labels {
  return Object.fromEntries(refs.map(([at, value]) => [`containerd.io/gc.ref.${at}`, value]));
}

async function makeContainer(
  at: Setting,
  id: string,
  snapshotKey: string,
  labels: Labels = {},
): Promise<void> {
  const runtime = { name: 'r' };
  const parts = { image: '', spec, snapshotter: 'memory', extensions: {}, sandboxId: '' };
  await at.scope().containers.create({ id, runtime, snapshotKey, labels, ...parts });
}

test('an image keeps what it refers to: index, manifest, config, layers, snapshots; the rest goes', async () => {
  await using at = await Setting.make();
  const content = at.contentOf();
  const s = at.scope().snapshotter('memory');
  const layer = await put(content, 'layer');
  await chain(s, 'chain1', 'chain2');
  await chain(s, 'loose1', 'loose2');
  const config = await put(content, 'config', refs(['snapshot.memory', 'chain2']));
  const manifest = await put(
    content,
    'manifest',
    refs(['content.config', config.digest], ['content.l.0', layer.digest]),
  );
  const index = await put(content, 'index', refs(['content.m.0', manifest.digest]));
  const loose = await put(content, 'loose');
  await at.scope().images.create({ name: 'a', target: index, labels: {} });
  const collected = await at.metadata.collect();
  expect(collected).toMatchObject({ removed: 3, pruned: 3 });
  for (const { digest } of [layer, config, manifest, index]) expect(await has(at, digest)).toBe(true);
  expect(await has(at, loose.digest)).toBe(false);
  expect(await keysOf(at)).toEqual(['chain1', 'chain2']);
  await at.scope().images.delete('a', { sync: true });
  expect(at.content.blobs.size).toBe(0);
  expect(at.snapshotter.snapshots.size).toBe(0);
  expect(await Array.fromAsync(content.list())).toEqual([]);
});

test('a lease keeps its resources and what they refer to, until it goes', async () => {
  await using at = await Setting.make();
  await at.scope().leases.create({ id: 'l' });
  const child = await put(at.contentOf(), 'child');
  const parent = await put(at.contentOf('default', 'l'), 'parent', refs(['content.0', child.digest]));
  await chain(at.scope('default', 'l').snapshotter('memory'), 'one', 'two');
  await at.metadata.collect();
  expect(await has(at, parent.digest)).toBe(true);
  expect(await has(at, child.digest)).toBe(true);
  expect(await keysOf(at)).toEqual(['one', 'two']);
  await at.scope().leases.delete('l', { sync: true });
  expect(at.content.blobs.size).toBe(0);
  expect(at.snapshotter.snapshots.size).toBe(0);
});

test('a flat lease keeps its resources and the parents of snapshots, not what labels name', async () => {
  await using at = await Setting.make();
  const child = await put(at.contentOf(), 'child', { [LABEL.gcRoot]: 'for now' });
  const parent = await put(at.contentOf(), 'parent', {
    ...refs(['content.0', child.digest]),
    [LABEL.gcRoot]: 'x',
  });
  await chain(at.scope().snapshotter('memory'), 'one', 'two');
  await at.scope().leases.create({ id: 'l', labels: { [LABEL.gcFlat]: 'yes' } });
  await at.scope().leases.addResource('l', { type: 'content', id: parent.digest });
  await at.scope().leases.addResource('l', { type: 'snapshots/memory', id: 'two' });
  for (const { digest } of [parent, child])
    await at.contentOf().update(digest, {}, [`labels.${LABEL.gcRoot}`]);
  await at.metadata.collect();
  expect(await has(at, parent.digest)).toBe(true);
  expect(await has(at, child.digest)).toBe(false);
  expect(await keysOf(at)).toEqual(['one', 'two']);
});

test('a container keeps its snapshot and what its labels name', async () => {
  await using at = await Setting.make();
  const s = at.scope().snapshotter('memory');
  await chain(s, 'one');
  await s.prepare('rootfs', 'one');
  const { digest } = await put(at.contentOf(), 'checkpoint');
  await makeContainer(at, 'c1', 'rootfs', refs(['content/checkpoint', digest]));
  await at.metadata.collect();
  expect(await keysOf(at)).toEqual(['one', 'rootfs']);
  expect(await has(at, digest)).toBe(true);
  await at.scope().containers.delete('c1');
  await at.metadata.collect();
  expect(await keysOf(at)).toEqual([]);
  expect(await has(at, digest)).toBe(false);
});

test('roots by label, and objects that live as long as another', async () => {
  await using at = await Setting.make();
  const s = at.scope().snapshotter('memory');
  const root = await put(at.contentOf(), 'root', { [LABEL.gcRoot]: '2020' });
  await s.prepare('rooted', '', { labels: { [LABEL.gcRoot]: '2020' } });
  await makeContainer(at, 'c1', '');
  const bound = await put(at.contentOf(), 'bound', { 'containerd.io/gc.bref.container': 'c1' });
  await at.metadata.collect();
  expect(await has(at, root.digest)).toBe(true);
  expect(await has(at, bound.digest)).toBe(true);
  expect(await keysOf(at)).toEqual(['rooted']);
  await at.scope().containers.delete('c1');
  await at.metadata.collect();
  expect(await has(at, bound.digest)).toBe(false);
});

test('a namespace keeps nothing for another', async () => {
  await using at = await Setting.make();
  const blob = await put(at.contentOf('a'), 'x');
  await put(at.contentOf('b'), 'x');
  await at.scope('b').images.create({ name: 'i', target: blob, labels: {} });
  await at.metadata.collect();
  expect(await has(at, blob.digest, 'a')).toBe(false);
  expect(await has(at, blob.digest, 'b')).toBe(true);
  expect(at.content.blobs.size).toBe(1);
});

test('what expired goes: leases, images, and ingests that no lease holds', async () => {
  let now = new Date('2030-01-01T00:00:00Z');
  await using at = await Setting.make({ now: () => now });
  const expires = { [LABEL.gcExpire]: '2030-01-01T01:00:00.5Z' };
  await at.scope().leases.create({ id: 'short', labels: expires });
  await at.scope().leases.create({ id: 'odd', labels: { [LABEL.gcExpire]: 'soon' } });
  const blob = await put(at.contentOf('default', 'short'), 'x');
  await at.scope().images.create({ name: 'fading', target: blobOf('y'), labels: expires });
  await (await at.contentOf().writer({ ref: 'loose' }))[Symbol.asyncDispose]();
  await (await at.contentOf('default', 'odd').writer({ ref: 'leased' }))[Symbol.asyncDispose]();
  const collected = await at.metadata.collect();
  expect(collected.removed).toBe(0);
  expect(collected.nextExpiry).toEqual(new Date('2030-01-01T01:00:00.5Z'));
  now = new Date('2030-01-01T02:00:00Z');
  await at.metadata.collect();
  expect((await Array.fromAsync(at.scope().leases.list())).map(({ id }) => id)).toEqual(['odd']);
  expect(await Array.fromAsync(at.scope().images.list())).toEqual([]);
  expect(await has(at, blob.digest)).toBe(false);
  expect(at.content.ingests.size).toBe(2);
  now = new Date('2030-01-03T00:00:00Z');
  await at.metadata.collect();
  expect((await Array.fromAsync(at.contentOf().statuses())).map(({ ref }) => ref)).toEqual(['leased']);
  expect(at.heard.topics).toContain('/images/delete');
});

test('an ingest that somebody writes to stays, however old', async () => {
  let now = new Date('2030-01-01T00:00:00Z');
  await using at = await Setting.make({ now: () => now });
  await using writer = await at.contentOf().writer({ ref: 'slow' });
  now = new Date('2030-01-09T00:00:00Z');
  await at.metadata.collect();
  await writer.write(Buffer.from('x'));
  await writer.commit({ labels: { [LABEL.gcRoot]: 'x' } });
  await at.metadata.collect();
  expect(await has(at, blobOf('x').digest)).toBe(true);
});

test('what a backend can not delete yet is asked for again', async () => {
  await using at = await Setting.make();
  const s = at.scope().snapshotter('memory');
  await chain(s, 'one', 'two');
  // The backend has a child that we know nothing of.
  const [two = ''] = [...at.snapshotter.snapshots.keys()].filter((key) => key.endsWith('two'));
  await at.snapshotter.prepare('foreign', two);
  await s.remove('two');
  await s.remove('one');
  expect((await at.metadata.collect()).pruned).toBe(0);
  await at.reopen();
  await at.snapshotter.remove('foreign');
  expect((await at.metadata.collect()).pruned).toBe(2);
  expect(at.snapshotter.snapshots.size).toBe(0);
});

test('what writers make and lease while a collection runs stays', async () => {
  await using at = await Setting.make();
  const content = at.contentOf();
  const made: Digest[] = [];
  let stop = false;
  const collecting = (async () => {
    while (!stop) await at.metadata.collect();
  })();
  const write = async (writer: number): Promise<void> => {
    for (let i = 0; i < 25; i += 1) {
      const lease = `l-${writer}-${i}`;
      await at.scope().leases.create({ id: lease });
      const leased = at.contentOf('default', lease);
      const child = await put(leased, `child-${writer}-${i}`);
      const labels = refs(['content.0', child.digest]);
      const parent = await put(leased, `parent-${writer}-${i}`, labels);
      await at.scope().images.create({ name: lease, target: parent, labels: {} });
      await at.scope().leases.delete(lease);
      made.push(child.digest, parent.digest);
      // Once more, as a puller that finds the blobs there and takes them under a lease of its own.
      await put(content, `loose-${writer}-${i}`);
    }
  };
  await Promise.all([write(0), write(1), write(2), write(3)]);
  stop = true;
  await collecting;
  const kept = new Set((await Array.fromAsync(content.list())).map(({ digest }) => digest));
  expect(made.filter((digest) => !kept.has(digest))).toEqual([]);
  await at.metadata.collect();
  expect(at.content.blobs.size).toBe(made.length);
});

test('scheduled, it runs after removals and when something expires', async () => {
  await using at = await Setting.make();
  const gone = async (digest: Digest) => {
    for (let i = 0; i < 100 && at.content.blobs.has(digest); i += 1) await pause(20);
    return !at.content.blobs.has(digest);
  };
  const first = await put(at.contentOf(), 'first');
  const second = await put(at.contentOf(), 'second', { [LABEL.gcRoot]: 'x' });
  await using _ = at.metadata.schedule({ startupDelayMs: 10, scheduleDelayMs: 10 });
  expect(await gone(first.digest)).toBe(true);
  await at.contentOf().delete(second.digest);
  expect(await gone(second.digest)).toBe(true);
  const soon = new Date(Date.now() + 200).toISOString();
  await at.scope().leases.create({ id: 'l', labels: { [LABEL.gcExpire]: soon } });
  const third = await put(at.contentOf('default', 'l'), 'third');
  expect(await gone(third.digest)).toBe(true);
});

test('scheduled, it takes what nobody can name from its backends at its first run', async () => {
  await using at = await Setting.make();
  await at.snapshotter.prepare('default/999/lost', '');
  await using _ = at.metadata.schedule({ startupDelayMs: 1 });
  for (let i = 0; i < 100 && at.snapshotter.snapshots.size > 0; i += 1) await pause(20);
  expect(at.snapshotter.snapshots.size).toBe(0);
});
