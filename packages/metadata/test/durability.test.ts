import { execFile, spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { Metadata } from '@stowage/metadata';
import { Level } from 'level';
import { Database } from '../src/database/database.ts';
import { blobOf, names, Setting } from './setting.ts';

const run = promisify(execFile);
const target = blobOf('x');
const silent = { debug() {}, info() {}, warn() {}, error() {} };

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'metadata-'));
});
afterEach(() => rm(root, { recursive: true, force: true }));

async function fill(metadata: Metadata, from: number, to: number): Promise<void> {
  const { images } = metadata.scope({ namespace: 'default' });
  const make = (_: unknown, i: number) => images.create({ name: `i${from + i}`, target, labels: {} });
  await Promise.all(Array.from({ length: to - from }, make));
}

async function imagesOf(metadata: Metadata): Promise<string[]> {
  return names(metadata.scope({ namespace: 'default' }).images.list(), ({ name }) => name);
}

test('what was acknowledged is there after SIGKILL, five times over', async () => {
  const acknowledged: string[] = [];
  const child = fileURLToPath(new URL('writer-child.ts', import.meta.url));
  for (let round = 0; round < 5; round += 1) {
    const writer = spawn(process.execPath, ['--conditions=stowage-source', child, root, String(round)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let said = '';
    writer.stdout.setEncoding('utf8').on('data', (text: string) => {
      said += text;
    });
    await once(writer.stdout, 'data');
    await pause(randomInt(20, 200));
    writer.kill('SIGKILL');
    await once(writer, 'close');
    acknowledged.push(...said.split('\n').slice(0, -1));
  }
  await using metadata = await Metadata.open(root);
  const found = new Set(await imagesOf(metadata));
  expect(acknowledged.length).toBeGreaterThan(50);
  expect(acknowledged.filter((name) => !found.has(name))).toEqual([]);
});

test('mutations that come together share their fsync', async () => {
  await using db = await Database.open(root, { log: silent });
  const write = (i: number) =>
    db.commit(db.epoch, () => ({
      puts: new Map([[`k${i}`, Buffer.from('v')]]),
      deletes: new Set(),
      events: [],
    }));
  const committed = await Promise.all(Array.from({ length: 500 }, (_, i) => write(i)));
  expect(committed.map(({ seq }) => seq)).toEqual(Array.from({ length: 500 }, (_, i) => BigInt(i + 2)));
  expect(db.batches).toBeLessThan(20);
});

test('the log is cut, and still without a gap', async () => {
  for (const from of [0, 2000]) {
    await using metadata = await Metadata.open(root, { keepLog: 100n });
    await fill(metadata, from, from + 2000);
  }
  await using metadata = await Metadata.open(root);
  expect(await imagesOf(metadata)).toHaveLength(4000);
  await metadata[Symbol.asyncDispose]();
  const store = new Level(join(root, 'db'));
  expect((await Array.fromAsync(store.keys({ gte: 'v1/!log/', lt: 'v1/!log0' }))).length).toBeLessThan(1000);
  await store.close();
});

test('entries of the log that are older than a day are dropped by the next writes', async () => {
  let hours = 0;
  const now = () => new Date(Date.UTC(2030, 0, 1, hours));
  const entries = async () => {
    const store = new Level(join(root, 'db'));
    const keys = await store.keys({ gte: 'v1/!log/', lt: 'v1/!log0' }).all();
    await store.close();
    return keys.length;
  };
  const write = async (from: number, to: number) => {
    await using metadata = await Metadata.open(root, { now });
    await fill(metadata, from, to);
    await fill(metadata, to, to + 10);
  };
  await write(0, 1000);
  hours = 23;
  await write(2000, 2100);
  expect(await entries()).toBeGreaterThan(1110);
  hours = 25;
  await write(3000, 3010);
  await write(4000, 4010);
  const left = await entries();
  expect(left).toBeGreaterThan(110 + 40);
  expect(left).toBeLessThan(110 + 40 + 100);
  await using metadata = await Metadata.open(root);
  expect(await imagesOf(metadata)).toHaveLength(1010 + 110 + 40);
});

test('after a full disk every write fails until the database was reopened, and then none is lost', async () => {
  await run('mount', ['-t', 'tmpfs', '-o', 'size=4m,mode=0700', 'tmpfs', root]);
  try {
    const state = join(root, 'state');
    await using metadata = await Metadata.open(state);
    const { images } = metadata.scope({ namespace: 'default' });
    const create = (name: string) => images.create({ name, target, labels: { l: 'x'.repeat(3000) } });
    await create('before');
    await writeFile(join(root, 'filler'), Buffer.alloc(3_000_000));
    let failure: unknown;
    for (let i = 0; failure === undefined; i += 1)
      await create(`fill${i}`).catch((e: unknown) => (failure = e));
    expect(failure).toMatchObject({ kind: 'resource_exhausted' });
    await expect(create('at once')).rejects.toMatchObject({
      kind: expect.stringMatching(/resource_exhausted|unavailable/),
    });
    await rm(join(root, 'filler'));
    const acknowledged: string[] = [];
    for (let i = 0; acknowledged.length < 100; i += 1) {
      const made = await create(`after${i}`).catch(() => pause(20));
      if (made !== undefined) acknowledged.push(made.name);
    }
    // What is on disk now is what a crash would leave.
    const image = join(tmpdir(), `metadata-crash-${process.pid}`);
    await cp(state, image, { recursive: true });
    try {
      await using again = await Metadata.open(image);
      const found = new Set(await imagesOf(again));
      expect(['before', ...acknowledged].filter((name) => !found.has(name))).toEqual([]);
    } finally {
      await rm(image, { recursive: true, force: true });
    }
  } finally {
    await run('umount', ['-l', root]);
  }
});

test('a mutation that began before a reopen is not written after it', async () => {
  await using db = await Database.open(root, { log: silent });
  const old = db.epoch - 1;
  const batch = () => ({ puts: new Map(), deletes: new Set<string>(), events: [] });
  await expect(db.commit(old, batch)).rejects.toMatchObject({ kind: 'unavailable' });
});

test('what a crash interrupted is undone at the next start, or followed by its records', async () => {
  await using at = await Setting.make();
  const s = at.scope().snapshotter('memory');
  await s.prepare('active', '');
  const crashed = join(root, 'crashed');
  await mkdir(crashed);
  // Each gate takes a picture of the disk after the backend has acted and before the records were written.
  const picture = (name: string) => () => cp(at.root, join(crashed, name), { recursive: true });
  at.snapshotter.gate = picture('prepare');
  await s.prepare('new', '');
  at.snapshotter.gate = picture('commit');
  await s.commit('done', 'active');
  at.content.gate = picture('blob');
  const { content } = at.scope();
  await using writer = await content?.writer({ ref: 'r' });
  await writer?.write(Buffer.from('hello'));
  await writer?.commit();
  const open = (name: string) =>
    Metadata.open(join(crashed, name), {
      content: at.content,
      snapshotters: new Map([['memory', at.snapshotter]]),
    });
  {
    await using metadata = await open('commit');
    const list = metadata.scope({ namespace: 'default' }).snapshotter('memory').list();
    expect(await names(list, ({ name, kind }) => `${name} ${kind}`)).toEqual([
      'done committed',
      'new active',
    ]);
  }
  {
    await using metadata = await open('prepare');
    await expect(
      metadata.scope({ namespace: 'default' }).snapshotter('memory').stat('new'),
    ).rejects.toMatchObject({
      kind: 'not_found',
    });
    const count = at.snapshotter.snapshots.size;
    await metadata.collect();
    expect(at.snapshotter.snapshots.size).toBeLessThan(count);
  }
  {
    await using metadata = await open('blob');
    expect(at.content.blobs.size).toBe(1);
    await metadata.collect();
    expect(at.content.blobs.size).toBe(0);
  }
});
