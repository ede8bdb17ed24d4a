import { mkdtemp, readdir, readFile, rm, stat, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from '@jest/globals';
import { digestOf, Fault } from '@stowage/core';
import { dir, file, tar } from './tar-writer.ts';
import { pieces, Workspace } from './workspace.ts';

/** The mounts that any thread of this process sees at a path or below. */
async function mountsAt(path: string): Promise<string[]> {
  const found: string[] = [];
  for (const task of await readdir('/proc/self/task')) {
    const text = await readFile(`/proc/self/task/${task}/mountinfo`, 'utf8').catch(() => '');
    found.push(...text.split('\n').filter((line) => line.includes(path)));
  }
  return found;
}

/** Begins an archive and then has nothing more to say. */
async function* stalling(
  begin: Uint8Array,
  begun: () => void,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  yield begin;
  begun();
  await delay(60_000, undefined, { signal });
}

const some = tar(dir('d'), ...Array.from({ length: 200 }, (_, i) => file(`d/${i}`, `${i}`)));

test('this process keeps its root, directory, umask and mounts', async () => {
  await using at = await Workspace.open();
  const { mounts } = await at.bind();
  const root = (await readdir('/')).sort();
  const [cwd, umask] = [process.cwd(), process.umask()];
  const { promise: begun, resolve } = Promise.withResolvers<void>();
  const stop = new AbortController();
  const busy = at.unpacker.unpack(
    mounts,
    (signal) => stalling(some.subarray(0, 9000), resolve, signal),
    stop,
  );
  const ended = expect(busy).rejects.toThrow('stop');
  await begun;
  // Every thread of libuv's pool, while a worker is in its jail and after.
  for (const again of [true, false]) {
    for (const listing of await Promise.all(Array.from({ length: 16 }, () => readdir('/')))) {
      expect(listing.sort()).toEqual(root);
    }
    expect((await stat(at.root)).isDirectory()).toBe(true);
    if (!again) break;
    stop.abort(new Error('stop'));
    await ended;
  }
  expect([process.cwd(), process.umask()]).toEqual([cwd, umask]);
  expect(await mountsAt(at.root)).toEqual([]);
});

test.each(['bind', 'overlay'] as const)(
  'given up midway, nothing stays mounted and the next unpack works (%s)',
  async (kind) => {
    await using at = await Workspace.open();
    const base = await at.bind();
    await at.apply(base.mounts, some);
    const { mounts } = kind === 'bind' ? await at.bind() : await at.overlay(base.path);
    const { promise: begun, resolve } = Promise.withResolvers<void>();
    const stop = new AbortController();
    const removal = tar(file('.wh.d'));
    const begin = Buffer.concat([removal.subarray(0, 512), some.subarray(0, 9000)]);
    const busy = at.unpacker.unpack(mounts, (signal) => stalling(begin, resolve, signal), stop);
    await begun;
    await delay(50);
    const reason = new Error('given up');
    const started = performance.now();
    stop.abort(reason);
    await expect(busy).rejects.toBe(reason);
    expect(performance.now() - started).toBeLessThan(2000);
    expect(await mountsAt(at.root)).toEqual([]);
    await at.see(mounts, async (path) => {
      expect((await readdir(path)).filter((name) => name.startsWith('.'))).toEqual([]);
    });
    expect((await at.apply(mounts, some)).digest).toBe(digestOf(some));
    expect(await mountsAt(at.root)).toEqual([]);
  },
);

test('a signal that has fired already starts nothing', async () => {
  await using at = await Workspace.open();
  const { path, mounts } = await at.bind();
  const signal = AbortSignal.abort(new Error('before'));
  await expect(at.apply(mounts, some, { signal })).rejects.toThrow('before');
  expect(await readdir(path)).toEqual([]);
});

test('more layers than threads wait for their turn, and can be given up there', async () => {
  await using at = await Workspace.open({ concurrency: 2 });
  const targets = await Promise.all(Array.from({ length: 5 }, () => at.bind()));
  const stop = new AbortController();
  const all = targets.map(({ mounts }) => at.apply(mounts, some));
  const waiting = at.apply((await at.bind()).mounts, some, stop);
  stop.abort(new Error('no longer'));
  await expect(waiting).rejects.toThrow('no longer');
  for (const { digest } of await Promise.all(all)) expect(digest).toBe(digestOf(some));
  for (const { path } of targets) expect(await readdir(join(path, 'd'))).toHaveLength(200);
});

test('a failing source fails the unpack with its own error', async () => {
  await using at = await Workspace.open();
  const { mounts } = await at.bind();
  const broken = new Fault('not_found', 'the blob is gone');
  async function* source() {
    yield some.subarray(0, 3000);
    throw broken;
  }
  await expect(at.unpacker.unpack(mounts, source)).rejects.toBe(broken);
  expect((await at.apply(mounts, some)).digest).toBe(digestOf(some));
});

test('an archive that is refused is not read to its end', async () => {
  await using at = await Workspace.open();
  const { mounts } = await at.bind();
  let taken = 0;
  async function* endless() {
    yield Buffer.alloc(512, 'x');
    for (;;) {
      taken += 1 << 16;
      yield Buffer.alloc(1 << 16);
    }
  }
  await expect(at.unpacker.unpack(mounts, endless)).rejects.toMatchObject({ kind: 'invalid_argument' });
  expect(taken).toBeLessThan(64 << 20);
});

test('mounts that cannot be made are told, and those that need a helper are not ours', async () => {
  await using at = await Workspace.open();
  const absent = { type: 'bind', source: join(at.root, 'absent'), options: ['rbind'] };
  await expect(at.apply([absent], some)).rejects.toMatchObject({
    kind: 'failed_precondition',
    message: expect.stringContaining('ENOENT'),
  });
  const fuse = { type: 'fuse3.fuse-overlayfs', source: 'overlay', options: [] };
  await expect(at.apply([fuse], some)).rejects.toMatchObject({ kind: 'unimplemented' });
  const { mounts } = await at.bind();
  const readOnly = mounts.map((m) => ({ ...m, options: ['rbind', 'ro'] }));
  await expect(at.apply(readOnly, some)).rejects.toMatchObject({ kind: 'failed_precondition' });
  expect(await mountsAt(at.root)).toEqual([]);
});

test('what is mounted after a thread started is there for its next layer', async () => {
  await using at = await Workspace.open();
  const { path, mounts } = await at.bind();
  await at.apply(mounts, tar(file('below', 'x')));
  await at.mounter.mount([{ type: 'tmpfs', source: 'tmpfs', options: ['size=8m'] }], path);
  try {
    await at.apply(mounts, tar(file('above', 'x')));
    expect(await readdir(path)).toEqual(['above']);
    const full = tar(file('full', Buffer.alloc(16 << 20)));
    await expect(at.apply(mounts, full)).rejects.toMatchObject({ kind: 'resource_exhausted' });
  } finally {
    // Nothing holds it: a namespace of a waiting thread would.
    await at.mounter.unmount(path, { busyTimeoutMs: 0 });
  }
  expect(await readdir(path)).toEqual(['below']);
});

test('through a link to where snapshots are kept', async () => {
  await using at = await Workspace.open();
  const elsewhere = await mkdtemp(join(tmpdir(), 'stowage-diff-elsewhere-'));
  await at.mounter.mount([{ type: 'tmpfs', source: 'tmpfs', options: ['size=8m'] }], elsewhere);
  try {
    const link = join(at.root, 'link');
    await symlink(elsewhere, link);
    await at.apply([{ type: 'bind', source: link, options: ['rbind'] }], some);
    expect(await readdir(join(elsewhere, 'd'))).toHaveLength(200);
  } finally {
    await at.mounter.unmount(elsewhere);
    await rm(elsewhere, { recursive: true });
  }
});

test('threads without work end, and others take their place', async () => {
  await using at = await Workspace.open({ idleMs: 20 });
  const { mounts } = await at.bind();
  const threads = async () => (await readdir('/proc/self/task')).length;
  await at.apply(mounts, some);
  const working = await threads();
  for (let i = 0; (await threads()) >= working && i < 100; i++) await delay(20);
  expect(await threads()).toBeLessThan(working);
  expect((await at.apply(mounts, some)).digest).toBe(digestOf(some));
});

test('threads that come and go leave no descriptor behind', async () => {
  const descriptors = async () => (await readdir('/proc/self/fd')).length;
  const before = await descriptors();
  {
    await using at = await Workspace.open({ idleMs: 1 });
    const { mounts } = await at.bind();
    for (let i = 0; i < 5; i++) {
      await at.apply(mounts, some);
      await at.apply(mounts, some.subarray(0, 700)).catch(() => {});
      await delay(60);
    }
  }
  expect(await descriptors()).toBeLessThanOrEqual(before);
});

test('disposal gives up what is under way', async () => {
  const at = await Workspace.open();
  const { mounts } = await at.bind();
  const { promise: begun, resolve } = Promise.withResolvers<void>();
  const busy = at.unpacker.unpack(mounts, (signal) => stalling(some.subarray(0, 9000), resolve, signal));
  const ended = expect(busy).rejects.toMatchObject({ kind: 'unavailable' });
  await begun;
  await at[Symbol.asyncDispose]();
  await ended;
  await expect(at.apply(mounts, some)).rejects.toMatchObject({ kind: 'unavailable' });
});

test.each([true, false])(
  'bytes come in order whatever the size of the pieces (syncFs %s)',
  async (syncFs) => {
    await using at = await Workspace.open();
    const body = Buffer.from(Array.from({ length: 5_000_000 }, (_, i) => (i ^ (i >> 9)) & 0xff));
    const archive = tar(file('a', body.subarray(0, 777)), file('body', body), file('b', 'last'));
    for (const size of [1 << 24, 4096, 99_991]) {
      const { path, mounts } = await at.bind();
      const { digest } = await at.unpacker.unpack(mounts, () => pieces(archive, size), { syncFs });
      expect(digest).toBe(digestOf(archive));
      expect((await readFile(join(path, 'body'))).equals(body)).toBe(true);
    }
  },
);
