import { mkdtemp, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createRouterTransport } from '@connectrpc/connect';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { LABEL } from '@stowage/core';
import { Metadata } from '@stowage/metadata';
import {
  type BackendSources,
  type Checkable,
  checkOffline,
  type Finding,
  remoteCheckable,
  repairOffline,
} from '@stowage/metadata/check';
import { Level } from 'level';
import { checkRoutes } from '../src/check/service.ts';
import { blobsOf, snapshotsOf } from '../src/check/sources.ts';
import { seal } from '../src/database/frame.ts';
import { childKey, objectKey, resourceKey, snapshotKey } from '../src/database/keys.ts';
import { readMark } from '../src/database/mark.ts';
import { blobOf, names, newContainer, put, Setting } from './setting.ts';

let at: Setting;
let directory: string;
beforeEach(async () => {
  at = await Setting.make();
  directory = at.root;
});
afterEach(() => at[Symbol.asyncDispose]());

const keyOf = {
  blob: (text: string) => objectKey('default', 'content', blobOf(text).digest),
  snapshot: (name: string) => snapshotKey('default', 'memory', name),
};

/** Some of everything. */
async function fill(): Promise<void> {
  const lease = await at.scope().leases.create({ id: 'l' });
  const content = at.contentOf('default', lease.id);
  for (const text of ['one', 'two', 'three']) await put(content, text);
  const { images, containers, snapshotter } = at.scope('default', lease.id);
  const snapshots = snapshotter('memory');
  await snapshots.prepare('a', '');
  await snapshots.commit('base', 'a');
  await snapshots.prepare('top', 'base');
  await images.create({ name: 'image', target: blobOf('one'), labels: {} });
  await containers.create(newContainer('c', { snapshotter: 'memory', snapshotKey: 'top' }));
}

function backends(): BackendSources {
  return { content: blobsOf(at.content), snapshotters: new Map([['memory', snapshotsOf(at.snapshotter)]]) };
}

async function offline(): Promise<Finding[]> {
  return Array.fromAsync(checkOffline(directory, backends()));
}

function inShort(findings: readonly Finding[]): string[] {
  return findings.map(({ severity, code, subject }) => `${severity} ${code} ${subject}`).sort();
}

/** Changes what is on disk, behind the back of metadata. */
async function edit(change: (store: Level<string, Uint8Array>) => Promise<void>): Promise<void> {
  const store = new Level<string, Uint8Array>(join(directory, 'db'), { valueEncoding: 'view' });
  await change(store);
  await store.close();
}

async function put1(key: string): Promise<void> {
  await edit((store) => store.put(key, seal(key, new Uint8Array())));
}

/** Ends the metadata of the setting, for good. */
async function close(): Promise<void> {
  await at.metadata[Symbol.asyncDispose]();
}

test('a whole database, in use, behind a transport and at rest: nothing is found', async () => {
  await fill();
  const transport = createRouterTransport((router) => checkRoutes(at.metadata)(router));
  for (const checkable of [at.metadata, remoteCheckable(transport)] satisfies Checkable[])
    expect(await Array.fromAsync(checkable.check())).toEqual([]);
  await close();
  expect(await offline()).toEqual([]);
});

test('a check at rest changes nothing and leaves nothing', async () => {
  await fill();
  await close();
  const picture = async () =>
    Promise.all(
      (await readdir(directory, { recursive: true })).sort().map(async (name) => {
        const path = join(directory, name);
        const info = await stat(path);
        return [name, info.isFile() ? await readFile(path, 'hex') : '', info.mtimeMs];
      }),
    );
  // Of the directory itself only the time changes.
  const before = await picture();
  await offline();
  expect(await picture()).toEqual(before);
});

test('a check at rest of a database in use is refused', async () => {
  await expect(offline()).rejects.toMatchObject({ kind: 'failed_precondition' });
});

test('where there is no metadata: not_found, and nothing is made', async () => {
  const empty = await mkdtemp(join(tmpdir(), 'metadata-'));
  await expect(Array.fromAsync(checkOffline(empty, backends()))).rejects.toMatchObject({ kind: 'not_found' });
  expect(await readdir(empty)).toEqual([]);
  await rm(empty, { recursive: true });
});

test.each<[string, () => Promise<void>, () => string[]]>([
  [
    'bytes of a blob that are gone',
    async () => void at.content.blobs.delete(blobOf('two').digest),
    () => [`error blob-missing ${keyOf.blob('two')}`],
  ],
  [
    'a snapshot that its snapshotter does not have',
    async () => {
      for (const name of at.snapshotter.snapshots.keys())
        if (name.endsWith('/top')) at.snapshotter.snapshots.delete(name);
    },
    () => [`error snapshot-missing ${keyOf.snapshot('top')}`],
  ],
])('%s: an error, in use and at rest', async (_, damage, expected) => {
  await fill();
  await damage();
  expect(inShort(await Array.fromAsync(at.metadata.check()))).toEqual(expected());
  await close();
  expect(inShort(await offline())).toEqual(expected());
});

const edge = childKey('default', 'memory', 'base', 'top');
const staleEdge = childKey('default', 'memory', 'base', 'gone');
const staleHold = resourceKey('default', 'gone', 'content', blobOf('one').digest);

/** What is wrong on disk, what a check finds, and what is left after a repair. */
const DAMAGES: ReadonlyArray<
  readonly [name: string, damage: () => Promise<void>, found: string[], left: string[]]
> = [
  [
    'a missing back edge',
    () => edit((store) => store.del(edge)),
    [`error back-edge ${keyOf.snapshot('top')}`],
    [],
  ],
  ['an edge of no child', () => put1(staleEdge), [`error back-edge ${staleEdge}`], []],
  ['what a missing lease holds', () => put1(staleHold), [`error lease-missing ${staleHold}`], []],
  [
    'a missing parent',
    () => edit((store) => store.del(keyOf.snapshot('base'))),
    [`error parent-missing ${keyOf.snapshot('top')}`, 'note snapshot-unknown memory'],
    [`error parent-missing ${keyOf.snapshot('top')}`, 'note snapshot-unknown memory'],
  ],
  [
    'an image of content that is not there',
    () => edit((store) => store.del(keyOf.blob('one'))),
    ['note blob-unknown content', `note dangling ${objectKey('default', 'images', 'image')}`],
    ['note blob-unknown content', `note dangling ${objectKey('default', 'images', 'image')}`],
  ],
  [
    'a value that was changed',
    () =>
      edit(async (store) => {
        const value = Buffer.from((await store.get(keyOf.blob('two'))) ?? []);
        value.writeUInt8(value.readUInt8(value.length - 1) ^ 4, value.length - 1);
        await store.put(keyOf.blob('two'), value);
      }),
    ['note blob-unknown content', `error value ${keyOf.blob('two')}`].sort(),
    ['note blob-unknown content'],
  ],
  [
    'a hole in the log',
    () => edit((store) => store.del('v1/!log/0000000000000004')),
    ['error log v1/!log'],
    [],
  ],
  [
    'bytes of a blob that are gone, at rest',
    async () => void at.content.blobs.delete(blobOf('two').digest),
    [`error blob-missing ${keyOf.blob('two')}`],
    [],
  ],
  ['the mark', () => rm(join(directory, 'metadata.mark')), ['error mark metadata.mark'], []],
];

test.each(DAMAGES)('%s: found, and repaired as far as that goes', async (_, damage, found, left) => {
  await fill();
  await close();
  await damage();
  expect(inShort(await offline())).toEqual(found);
  const { actions, findings } = await repairOffline(directory, backends());
  expect(actions.length).toBeGreaterThan(0);
  expect(inShort(findings)).toEqual(left);
  expect(inShort(await offline())).toEqual(left);
  expect((await readdir(directory)).filter((name) => name.startsWith('db.damaged-'))).toHaveLength(1);
  await using metadata = await Metadata.open(directory, {
    content: at.content,
    snapshotters: new Map([['memory', at.snapshotter]]),
  });
  // It is in use again, and what was whole is there.
  const { images } = metadata.scope({ namespace: 'default' });
  await images.create({ name: 'later', target: blobOf('x'), labels: {} });
  expect(await names(images.list(), ({ name }) => name)).toEqual(['image', 'later']);
});

test('a table with a flipped bit: the check names the file, a repair keeps the rest and loses nothing silently', async () => {
  await fill();
  const { images } = at.scope();
  await Promise.all(
    Array.from({ length: 2000 }, (_, i) =>
      images.create({ name: `many${i}`, target: blobOf('one'), labels: { l: `${i * i}` } }),
    ),
  );
  // A start makes a table of the log file.
  await at.reopen();
  await close();
  const [table = ''] = (await readdir(join(directory, 'db'))).filter((name) => name.endsWith('.ldb'));
  const path = join(directory, 'db', table);
  const bytes = await readFile(path);
  bytes.writeUInt8(bytes.readUInt8(bytes.length >> 1) ^ 1, bytes.length >> 1);
  await writeFile(path, bytes);
  expect(inShort(await offline())).toContain(`error file db/${table}`);
  await expect(Metadata.open(directory)).rejects.toMatchObject({
    kind: 'data_loss',
    message: expect.stringContaining('stowaged check'),
  });
  const { actions } = await repairOffline(directory, backends());
  expect(actions.join('\n')).toContain(table);
  await using metadata = await Metadata.open(directory);
  const kept = await Array.fromAsync(metadata.scope({ namespace: 'default' }).images.list());
  expect(kept.length).toBeGreaterThan(1900);
  for (const { name, labels } of kept) {
    const [, i] = /^many(\d+)$/.exec(name) ?? [];
    if (i !== undefined) expect(labels).toEqual({ l: `${Number(i) ** 2}` });
  }
});

test.each([['CURRENT'], ['MANIFEST']])(
  '%s is gone: the check says so, a repair keeps all values',
  async (what) => {
    await fill();
    await close();
    for (const name of await readdir(join(directory, 'db')))
      if (name.startsWith(what)) await rm(join(directory, 'db', name));
    const codes = (await offline()).map(({ code }) => code);
    expect(codes).toEqual(['file', 'unopenable']);
    await repairOffline(directory, backends());
    expect(await offline()).toEqual([]);
  },
);

test('numbers go on behind all that were ever given', async () => {
  await fill();
  await close();
  const before = await readMark(join(directory, 'metadata.mark'));
  await edit((store) => store.del('v1/!log/0000000000000004'));
  await repairOffline(directory, backends());
  const after = await readMark(join(directory, 'metadata.mark'));
  expect(after?.uuid).toBe(before?.uuid);
  expect(after?.seq).toBeGreaterThan(before?.seq ?? 0n);
});

test('a repair that a crash interrupted: refused by a start, which says so, and ended by another repair', async () => {
  await fill();
  await close();
  await edit((store) => store.del(edge));
  await repairOffline(directory, backends());
  // As it was after the old database was moved away.
  await rename(join(directory, 'db'), join(directory, 'repaired'));
  await expect(Metadata.open(directory)).rejects.toMatchObject({
    kind: 'data_loss',
    message: expect.stringContaining('a repair was interrupted'),
  });
  const found = await offline();
  expect(found.map(({ remedy }) => remedy).join()).toContain('a repair was interrupted');
  await repairOffline(directory, backends());
  expect(await offline()).toEqual([]);
});

test('a repair of what is gone is refused', async () => {
  await fill();
  await close();
  await rm(join(directory, 'db'), { recursive: true });
  expect(inShort(await offline())).toEqual(['error unopenable db']);
  await expect(repairOffline(directory, backends())).rejects.toMatchObject({ kind: 'not_found' });
});

test('a check finds nothing wrong while everything is made and deleted', async () => {
  await fill();
  const { images, snapshotter } = at.scope();
  const content = at.contentOf();
  const snapshots = snapshotter('memory');
  // Or the collections of the others would take what one has just made.
  const labels = { [LABEL.gcRoot]: 'yes' };
  let stop = false;
  const work = Promise.all(
    [0, 1, 2, 3].map(async (writer) => {
      for (let i = 0; !stop; i += 1) {
        const text = `${writer} ${i}`;
        await put(content, text, labels);
        await images.create({ name: text, target: blobOf(text), labels: {} });
        await snapshots.prepare(text, 'base', { labels });
        await images.delete(text);
        await content.delete(blobOf(text).digest);
        await snapshots.remove(text);
        if (i % 10 === 0) await at.metadata.collect();
      }
    }),
  );
  for (let round = 0; round < 30; round += 1) {
    const findings = await Array.fromAsync(at.metadata.check());
    expect(findings.filter(({ severity }) => severity === 'error')).toEqual([]);
  }
  stop = true;
  await work;
});
