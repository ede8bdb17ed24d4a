import { expect, test } from '@jest/globals';
import { Fault } from '@stowage/core';
import { blobOf, names, put, Setting } from './setting.ts';

/** Puts bytes where metadata has no record of them. */
async function leave(at: Setting, text: string, ref: string): Promise<void> {
  await using writer = await at.content.writer({ ref });
  await writer.write(Buffer.from(text));
  await writer.commit();
}

async function ingest(at: Setting, ref: string): Promise<void> {
  await (await at.content.writer({ ref }))[Symbol.asyncDispose]();
}

test('what backends have and nothing names goes when it is looked for; what is not of our making stays', async () => {
  await using at = await Setting.make();
  const s = at.scope().snapshotter('memory');
  const kept = await put(at.contentOf(), 'kept', { 'containerd.io/gc.root': 'yes' });
  await s.prepare('kept', '', { labels: { 'containerd.io/gc.root': 'yes' } });
  await leave(at, 'left', 'x');
  await ingest(at, 'default/7/left');
  await ingest(at, 'foreign');
  await at.snapshotter.prepare('a', '');
  await at.snapshotter.commit('default/900/parent', 'a');
  await at.snapshotter.prepare('default/1000/child', 'default/900/parent');
  await at.snapshotter.prepare('default/901/other', 'default/900/parent');
  await at.snapshotter.prepare('b', '');
  await at.snapshotter.commit('sha256:remote', 'b');
  await at.metadata.collect();
  expect(at.snapshotter.snapshots.size).toBe(5);
  expect(at.content.blobs.size).toBe(2);
  const { pruned } = await at.metadata.collect({ orphans: true });
  expect(pruned).toBe(5);
  expect([...at.content.blobs.keys()]).toEqual([kept.digest]);
  expect([...at.content.ingests.keys()]).toEqual(['foreign']);
  expect([...at.snapshotter.snapshots.keys()].map((key) => key.split('/').at(-1)).sort()).toEqual([
    'kept',
    'sha256:remote',
  ]);
});

test('what is being made while it is looked for stays', async () => {
  await using at = await Setting.make();
  await at.scope().leases.create({ id: 'l' });
  const content = at.contentOf('default', 'l');
  const s = at.scope('default', 'l').snapshotter('memory');
  await s.prepare('active', '');
  let collections = 0;
  // Each gate is between what a backend has done and the records of it.
  const collect = async () => {
    collections += 1;
    await at.metadata.collect({ orphans: true });
  };
  at.snapshotter.gate = collect;
  await s.prepare('new', '');
  await s.commit('done', 'active');
  at.content.gate = collect;
  const blob = await put(content, 'x');
  at.content.gate = () => Promise.resolve();
  at.snapshotter.gate = () => Promise.resolve();
  await using writer = await content.writer({ ref: 'open' });
  await writer.write(Buffer.from('half'));
  await collect();
  expect(collections).toBe(4);
  await writer.write(Buffer.from(' and half'));
  await writer.commit();
  expect((await names(content.list(), ({ digest }) => digest)).sort()).toEqual(
    [blob.digest, blobOf('half and half').digest].sort(),
  );
  expect(at.content.blobs.size).toBe(2);
  expect(await names(s.list(), ({ name }) => name)).toEqual(['done', 'new']);
  expect(at.snapshotter.snapshots.size).toBe(2);
});

test('a snapshot that a backend fails to remove is logged and keeps its branch, for this time', async () => {
  const logged: Array<Record<string, unknown>> = [];
  const warn = (fields: Record<string, unknown>): void => void logged.push(fields);
  await using at = await Setting.make({ log: { debug() {}, info() {}, warn, error() {} } as never });
  const s = at.scope().snapshotter('memory');
  for (const [name, parent] of [
    ['one', ''],
    ['two', 'one'],
    ['three', 'two'],
    ['other', ''],
  ] as const) {
    await s.prepare('active', parent);
    await s.commit(name, 'active');
  }
  const asked: string[] = [];
  const { remove } = at.snapshotter;
  at.snapshotter.remove = async (key) => {
    asked.push(key.split('/').at(-1) ?? '');
    if (key.endsWith('/three')) throw new Fault('internal', 'remove three: the disk is on fire');
    return remove.call(at.snapshotter, key);
  };
  await at.metadata.collect();
  expect(asked.sort()).toEqual(['other', 'three']);
  expect(logged).toEqual([
    {
      err: expect.objectContaining({ kind: 'internal' }),
      garbage: expect.objectContaining({ kind: 'snapshot', snapshotter: 'memory' }),
    },
  ]);
  at.snapshotter.remove = remove;
  await at.metadata.collect();
  expect(at.snapshotter.snapshots.size).toBe(0);
});

test('a backend that can not be listed hinders nobody', async () => {
  await using at = await Setting.make();
  await leave(at, 'left', 'x');
  at.snapshotter.list = async function* () {
    yield await Promise.reject<never>(new Fault('unavailable', 'list: nobody answers'));
  };
  await at.metadata.collect({ orphans: true });
  expect(at.content.blobs.size).toBe(0);
});

test('a slow change holds up no collection', async () => {
  await using at = await Setting.make();
  const s = at.scope().snapshotter('memory');
  const { promise, resolve } = Promise.withResolvers<void>();
  const reached = Promise.withResolvers<void>();
  at.snapshotter.gate = () => {
    reached.resolve();
    return promise;
  };
  const preparing = s.prepare('slow', '');
  await reached.promise;
  await put(at.contentOf(), 'x');
  await at.metadata.collect();
  expect(at.content.blobs.size).toBe(0);
  resolve();
  await preparing;
  expect(at.snapshotter.snapshots.size).toBe(1);
});
