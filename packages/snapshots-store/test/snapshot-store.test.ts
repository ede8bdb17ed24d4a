import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { SnapshotStore } from '../src/index.ts';

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'snapshots-store-'));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

async function names(store: SnapshotStore, filters?: string[]) {
  return Array.fromAsync(store.list(filters), ({ info }) => info.name);
}

/** base <- top, and an active one on top of both. */
async function layered(store: SnapshotStore) {
  await store.create('active', 'a', '');
  const base = await store.commit('base', 'a', { labels: { l: 'base' } });
  await store.create('active', 'b', 'base');
  const top = await store.commit('top', 'b');
  const active = await store.create('active', 'run', 'top', { labels: { l: 'run' } });
  return { base, top, active };
}

test('parents are told nearest first, and an id stays with its snapshot through commit', async () => {
  await using store = await SnapshotStore.open(dir);
  const { base, top, active } = await layered(store);
  expect(active.parentIds).toEqual([top.id, base.id]);
  expect(top.parentIds).toEqual([base.id]);
  expect(new Set([base.id, top.id, active.id]).size).toBe(3);
  expect((await store.get('run')).id).toBe(active.id);
});

test('all of it is there after a restart, and ids go on', async () => {
  const usage = { sizeBytes: 2n ** 60n, inodes: 3n };
  let before: unknown;
  let lastId = 0;
  {
    await using store = await SnapshotStore.open(dir);
    await layered(store);
    await store.create('active', 'c', 'top');
    await store.commit('sized', 'c', { seal: async () => usage });
    before = await Array.fromAsync(store.list());
    lastId = (await store.create('view', 'v', 'top')).id;
    await store.remove('v');
  }
  await using store = await SnapshotStore.open(dir);
  expect(await Array.fromAsync(store.list())).toEqual(before);
  expect((await store.get('sized')).usage).toEqual(usage);
  expect((await store.create('view', 'v', 'top')).id).toBeGreaterThan(lastId);
  await expect(store.remove('top')).rejects.toMatchObject({ kind: 'failed_precondition' });
});

test('each refusal has its kind and names the snapshot', async () => {
  await using store = await SnapshotStore.open(dir);
  await layered(store);
  await store.create('view', 'v', 'top');
  const refusals: [string, string, Promise<unknown>][] = [
    ['not_found', 'nope', store.get('nope')],
    ['not_found', 'nope', store.create('active', 'x', 'nope')],
    ['invalid_argument', 'run', store.create('active', 'x', 'run')],
    ['already_exists', 'run', store.create('active', 'run', 'top')],
    ['already_exists', 'top', store.create('view', 'top', '')],
    ['already_exists', 'base', store.commit('base', 'run')],
    ['not_found', 'nope', store.commit('x', 'nope')],
    ['failed_precondition', 'v', store.commit('x', 'v')],
    ['failed_precondition', 'top', store.commit('x', 'top')],
    ['failed_precondition', 'base', store.remove('base')],
    ['not_found', 'nope', store.remove('nope')],
    ['not_found', 'nope', store.update('nope', {})],
    ['invalid_argument', 'kind', store.update('run', {}, ['kind'])],
    ['invalid_argument', 'key', store.create('active', '', '')],
    ['invalid_argument', 'key', store.create('active', 'a\ud800', '')],
    ['invalid_argument', 'l', store.create('active', 'x', '', { labels: { l: 'x'.repeat(4096) } })],
    ['invalid_argument', 'filter', names(store, ['kind=='])],
  ];
  for (const [kind, subject, refusal] of refusals) {
    await expect(refusal).rejects.toMatchObject({ kind, message: expect.stringContaining(subject) });
  }
  expect(await names(store)).toEqual(['base', 'run', 'top', 'v']);
});

test('filters see kind, name, parent and labels; labels may be named like anything', async () => {
  await using store = await SnapshotStore.open(dir);
  await layered(store);
  expect(await names(store, ['kind==active'])).toEqual(['run']);
  expect(await names(store, ['parent==top', 'labels.l==base'])).toEqual(['base', 'run']);
  expect(await names(store, ['parent==""'])).toEqual(['base']);
  const labels = JSON.parse('{"__proto__":"p","constructor":"c"}') as Record<string, string>;
  await store.update('run', labels, ['labels.__proto__', 'labels.constructor']);
  expect(await names(store, ['labels.__proto__==p,labels.l==run'])).toEqual(['run']);
  await store.update('run', { l: '' }, ['labels.l']);
  expect(Object.entries((await store.get('run')).info.labels)).toEqual(Object.entries(labels));
});

test('of a hundred at once under one key, one is made', async () => {
  await using store = await SnapshotStore.open(dir);
  let made = 0;
  const all = await Promise.allSettled(
    Array.from({ length: 100 }, () =>
      store.create('active', 'k', '', {
        make: async () => {
          made++;
        },
      }),
    ),
  );
  expect(all.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  expect(made).toBe(1);
});

test('a parent cannot go while a child of it is being made', async () => {
  await using store = await SnapshotStore.open(dir);
  await layered(store);
  await store.remove('run');
  const gate = Promise.withResolvers<void>();
  const child = store.create('view', 'v', 'top', { make: () => gate.promise });
  const removal = store.remove('top');
  gate.resolve();
  await child;
  await expect(removal).rejects.toMatchObject({ kind: 'failed_precondition' });
});

test('a snapshot without a parent gets one at commit, which then has a child, also after a restart', async () => {
  {
    await using store = await SnapshotStore.open(dir);
    const { base, top } = await layered(store);
    await store.create('active', 'alone', '');
    const rebased = await store.commit('rebased', 'alone', { parent: 'top' });
    expect(rebased).toMatchObject({ parentIds: [top.id, base.id], info: { parent: 'top' } });
    await store.remove('run');
    await expect(store.remove('top')).rejects.toMatchObject({ kind: 'failed_precondition' });
  }
  await using store = await SnapshotStore.open(dir);
  expect((await store.get('rebased')).info.parent).toBe('top');
  await expect(store.remove('top')).rejects.toMatchObject({ kind: 'failed_precondition' });
  await store.remove('rebased');
  await store.remove('top');
});

test('a parent given at commit must be the one it has, or committed', async () => {
  await using store = await SnapshotStore.open(dir);
  await layered(store);
  await store.create('active', 'alone', '');
  const refusals: [string, string, string, string][] = [
    ['not_found', 'alone', 'nobody', 'nobody'],
    ['failed_precondition', 'alone', 'run', 'run'],
    ['failed_precondition', 'alone', 'alone', 'alone'],
    ['invalid_argument', 'run', 'base', 'base'],
  ];
  for (const [kind, key, parent, subject] of refusals) {
    const refusal = store.commit('n', key, { parent });
    await expect(refusal).rejects.toMatchObject({ kind, message: expect.stringContaining(subject) });
  }
  expect((await store.commit('n', 'run', { parent: 'top' })).info.parent).toBe('top');
  expect((await store.get('alone')).info.kind).toBe('active');
});

test('a parent cannot go while a snapshot is committed onto it', async () => {
  await using store = await SnapshotStore.open(dir);
  await layered(store);
  await store.remove('run');
  await store.create('active', 'alone', '');
  const gate = Promise.withResolvers<void>();
  const started = Promise.withResolvers<void>();
  const seal = async () => {
    started.resolve();
    await gate.promise;
    return { sizeBytes: 0n, inodes: 0n };
  };
  const commit = store.commit('rebased', 'alone', { parent: 'top', seal });
  await started.promise;
  const removal = store.remove('top');
  gate.resolve();
  await commit;
  await expect(removal).rejects.toMatchObject({ kind: 'failed_precondition' });
});

test('if the files cannot be made or written out, nothing is recorded', async () => {
  await using store = await SnapshotStore.open(dir);
  const broken = async () => {
    throw new Error('disk');
  };
  await expect(store.create('active', 'a', '', { make: broken })).rejects.toThrow('disk');
  await store.create('active', 'a', '');
  await expect(store.commit('n', 'a', { seal: broken })).rejects.toThrow('disk');
  expect(await names(store, ['kind==active'])).toEqual(['a']);
});

test('whoever waits for a lock can give up', async () => {
  await using store = await SnapshotStore.open(dir);
  const gate = Promise.withResolvers<void>();
  const holder = store.create('active', 'k', '', { make: () => gate.promise });
  const stop = new AbortController();
  const waiting = store.remove('k', { signal: stop.signal });
  const reason = new Error('enough');
  stop.abort(reason);
  await expect(waiting).rejects.toBe(reason);
  gate.resolve();
  await holder;
  await store.remove('k');
});

test('files without a record are orphans, unless they are in the making; records without files are missing', async () => {
  await using store = await SnapshotStore.open(dir);
  const { base, top, active } = await layered(store);
  let making = 0;
  const gate = Promise.withResolvers<void>();
  const started = Promise.withResolvers<void>();
  const child = store.create('view', 'v', 'top', {
    make: async ({ id }) => {
      making = id;
      started.resolve();
      await gate.promise;
    },
  });
  await started.promise;
  const { orphans, missing } = await store.reconcile([base.id, active.id, making, 1000]);
  gate.resolve();
  await child;
  expect(orphans).toEqual([1000]);
  expect(missing.map(({ id }) => id)).toEqual([top.id]);
});

test('a second opener is refused, and told why', async () => {
  await using _ = await SnapshotStore.open(dir);
  await expect(SnapshotStore.open(dir)).rejects.toMatchObject({
    kind: 'failed_precondition',
    message: expect.stringContaining('another process has it open'),
  });
});

async function damaged(damage: (index: string) => Promise<void>): Promise<unknown> {
  {
    await using store = await SnapshotStore.open(dir);
    await layered(store);
  }
  await damage(join(dir, 'index'));
  return SnapshotStore.open(dir).then(
    (store) => store[Symbol.asyncDispose](),
    (e) => e,
  );
}
const loss = expect.objectContaining({ kind: 'data_loss' });

test('a database that is gone is not taken for a new one', async () => {
  expect(await damaged((index) => rm(index, { recursive: true }))).toEqual(loss);
});

test('a lost log is noticed', async () => {
  const wipe = async (index: string) => {
    for (const file of await readdir(index))
      if (file.endsWith('.log')) await writeFile(join(index, file), '');
  };
  expect(await damaged(wipe)).toEqual(loss);
});

test('of a damaged database, what the first start found is kept, however many follow', async () => {
  {
    await using store = await SnapshotStore.open(dir);
    await layered(store);
  }
  const index = join(dir, 'index');
  const file = (await readdir(index)).find((name) => name.endsWith('.log')) as string;
  const bad = await readFile(join(index, file));
  bad.writeUInt8(bad.readUInt8(40) ^ 1, 40);
  await writeFile(join(index, file), bad);
  for (let i = 0; i < 5; i++) {
    await expect(SnapshotStore.open(dir)).rejects.toMatchObject({
      kind: 'data_loss',
      message: expect.stringContaining('kept/damaged'),
    });
  }
  expect((await readFile(join(dir, 'kept', 'damaged', file))).equals(bad)).toBe(true);
  expect((await readdir(join(dir, 'kept'))).sort()).toEqual(['0', 'damaged']);
});

test('the last three starts leave copies, a refused one none', async () => {
  for (let i = 0; i < 5; i++) await (await SnapshotStore.open(dir))[Symbol.asyncDispose]();
  await using _ = await SnapshotStore.open(dir);
  await expect(SnapshotStore.open(dir)).rejects.toMatchObject({ kind: 'failed_precondition' });
  expect((await readdir(join(dir, 'kept'))).sort()).toEqual(['0', '1', '2']);
});

test('a lost CURRENT is noticed', async () => {
  expect(await damaged((index) => rm(join(index, 'CURRENT')))).toEqual(loss);
});

test('a flipped bit anywhere in the log is noticed', async () => {
  const made = join(dir, 'made');
  {
    await using store = await SnapshotStore.open(made);
    await layered(store);
  }
  const index = join(made, 'index');
  const file = (await readdir(index)).find((name) => name.endsWith('.log')) as string;
  const good = await readFile(join(index, file));
  let noticed = 0;
  const rounds = 25;
  for (let i = 0; i < rounds; i++) {
    const copy = join(dir, `copy${i}`);
    await cp(made, copy, { recursive: true });
    const bad = Buffer.from(good);
    const at = Math.floor((bad.length * i) / rounds);
    bad.writeUInt8(bad.readUInt8(at) ^ 0x10, at);
    await writeFile(join(copy, 'index', file), bad);
    const opened = await SnapshotStore.open(copy).catch((e: unknown) => e as { kind: string });
    if ('kind' in opened) {
      expect(opened.kind).toBe('data_loss');
      noticed++;
    } else await opened[Symbol.asyncDispose]();
  }
  expect(noticed).toBe(rounds);
});
