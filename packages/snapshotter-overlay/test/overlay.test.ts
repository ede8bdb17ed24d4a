import { chmod, chown, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { type Mount, Skip } from '@stowage/core';
import { getXattr, setXattr } from '@stowage/linux';
import { Mounter } from '@stowage/linux/mounter';
import { OverlaySnapshotter } from '../src/index.ts';

let dir: string;
let root: string;
let mounter: Mounter;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'snapshotter-overlay-'));
  root = join(dir, 'root');
  mounter = new Mounter();
});
afterEach(async () => {
  await mounter[Symbol.asyncDispose]();
  await rm(dir, { recursive: true, force: true });
});

const open = () => OverlaySnapshotter.open(root, { syncRemove: true });

async function layer(s: OverlaySnapshotter, name: string, parent: string, files: Record<string, string>) {
  const mounts = await s.prepare(`${name}-key`, parent);
  await mounter.withMount(mounts, async (at) => {
    for (const [path, text] of Object.entries(files)) await writeFile(join(at, path), text);
  });
  await s.commit(name, `${name}-key`);
}

const optionsOf = ([mount]: readonly Mount[]) => mount?.options ?? [];

test('mounts have the form that clients know', async () => {
  await using s = await open();
  const fs = (id: number) => join(root, 'snapshots', String(id), 'fs');
  expect(await s.prepare('a', '')).toEqual([{ type: 'bind', source: fs(1), options: ['rw', 'rbind'] }]);
  expect(await s.view('empty', '')).toEqual([{ type: 'bind', source: fs(2), options: ['ro', 'rbind'] }]);
  await s.commit('one', 'a');
  expect(await s.view('v', 'one')).toEqual([{ type: 'bind', source: fs(1), options: ['ro', 'rbind'] }]);
  const [mount] = await s.prepare('b', 'one');
  expect(mount).toMatchObject({ type: 'overlay', source: 'overlay' });
  const work = join(root, 'snapshots', '4', 'work');
  expect(mount?.options).toEqual([`workdir=${work}`, `upperdir=${fs(4)}`, `lowerdir=${fs(1)}`, 'index=off']);
  await s.commit('two', 'b');
  expect(optionsOf(await s.view('w', 'two'))).toEqual([`lowerdir=${fs(4)}:${fs(1)}`, 'index=off']);
  expect(await s.mounts('w')).toEqual(await s.mounts('w'));
  await expect(s.mounts('two')).rejects.toMatchObject({ kind: 'failed_precondition' });
});

test('layers show through one another, and each holds only its own', async () => {
  await using s = await open();
  await layer(s, 'one', '', { a: '1', b: '1' });
  await layer(s, 'two', 'one', { b: '2', c: '2' });
  await mounter.withMount(await s.prepare('run', 'two'), async (at) => {
    const seen = await Promise.all(['a', 'b', 'c'].map((name) => readFile(join(at, name), 'utf8')));
    expect(seen).toEqual(['1', '2', '2']);
    await rm(join(at, 'a'));
    await writeFile(join(at, 'd'), '3');
    expect((await readdir(at)).sort()).toEqual(['b', 'c', 'd']);
  });
  await mounter.withMount(await s.view('v', 'two'), async (at) => {
    expect((await readdir(at)).sort()).toEqual(['a', 'b', 'c']);
    await expect(writeFile(join(at, 'x'), '')).rejects.toMatchObject({ code: 'EROFS' });
  });
});

test('128 layers can be mounted', async () => {
  await using s = await open();
  let parent = '';
  for (let i = 0; i < 128; i++) {
    await s.prepare(`k${i}`, parent);
    parent = `sha256:${'0'.repeat(60)}${i}`;
    await s.commit(parent, `k${i}`);
  }
  const mounts = await s.prepare('run', parent);
  expect(optionsOf(mounts).join(',').length).toBeGreaterThan(4096);
  await mounter.withMount(mounts, async (at) => {
    await writeFile(join(at, 'x'), '');
  });
});

test('the top of a layer takes over owner, mode and attributes of the one below', async () => {
  await using s = await open();
  const [base] = await s.prepare('a', '');
  const top = base?.source as string;
  await chown(top, 1000, 1001);
  await chmod(top, 0o1711);
  setXattr(top, 'user.kept', Buffer.from('x'));
  setXattr(top, 'trusted.overlay.origin', Buffer.from('x'));
  await s.commit('one', 'a');
  await s.prepare('b', 'one');
  const upper = join(root, 'snapshots', '2', 'fs');
  const { uid, gid, mode } = await stat(upper);
  expect([uid, gid, mode & 0o7777]).toEqual([1000, 1001, 0o1711]);
  expect(getXattr(upper, 'user.kept').toString()).toBe('x');
  expect(() => getXattr(upper, 'trusted.overlay.origin')).toThrow(/ENODATA/);
});

test.each([0o000, 0o077])(
  'nobody else can enter a directory on the way to a layer (umask %i)',
  async (umask) => {
    await mkdir(root);
    await chmod(root, 0o777);
    const before = process.umask(umask);
    try {
      await using s = await open();
      await s.prepare('a', '');
      for (const path of ['', 'snapshots', 'snapshots/1', 'metadata']) {
        expect(((await stat(join(root, path))).mode & 0o777).toString(8)).toBe('700');
      }
      expect((await stat(join(root, 'snapshots/1/fs'))).mode & 0o777).toBe(0o755);
    } finally {
      process.umask(before);
    }
  },
);

test('usage is of the own files; a committed snapshot remembers it, a view has none', async () => {
  await using s = await open();
  await layer(s, 'one', '', { a: 'x'.repeat(1000) });
  const one = await s.usage('one');
  expect(one.inodes).toBe(2n);
  expect(one.sizeBytes).toBeGreaterThan(1000n);
  const mounts = await s.prepare('run', 'one');
  expect((await s.usage('run')).inodes).toBe(1n);
  await mounter.withMount(mounts, (at) => writeFile(join(at, 'b'), 'y'.repeat(500)));
  expect((await s.usage('run')).inodes).toBe(2n);
  await s.view('v', 'one');
  expect(await s.usage('v')).toEqual({ sizeBytes: 0n, inodes: 0n });
});

test('removal frees the directory, also of a snapshot that is still mounted', async () => {
  await using s = await open();
  await layer(s, 'one', '', { a: '1' });
  const mounts = await s.prepare('run', 'one');
  await mounter.withMount(mounts, async (at) => {
    await writeFile(join(at, 'x'), '');
    await s.remove('run');
  });
  expect(await readdir(join(root, 'snapshots'))).toEqual(['1']);
  await s.remove('one');
  expect(await readdir(join(root, 'snapshots'))).toEqual([]);
});

test('a start throws out what a crash left, keeps what it does not know, and reports what is missing', async () => {
  {
    await using s = await open();
    await layer(s, 'one', '', { a: '1' });
    await layer(s, 'two', 'one', { b: '2' });
  }
  const snapshots = join(root, 'snapshots');
  await mkdir(join(snapshots, '77', 'fs'), { recursive: true });
  await mkdir(join(snapshots, 'trash-78', 'fs'), { recursive: true });
  await mkdir(join(snapshots, 'lost+found'));
  await rm(join(snapshots, '1'), { recursive: true });
  const errors: object[] = [];
  const log = {
    debug() {},
    info() {},
    warn() {},
    error: (fields: object) => void errors.push(fields),
  };
  await using s = await OverlaySnapshotter.open(root, { log });
  await s.cleanup();
  expect((await readdir(snapshots)).sort()).toEqual(['2', 'lost+found']);
  expect(errors).toEqual([expect.objectContaining({ name: 'one', path: join(snapshots, '1') })]);
  await expect(s.prepare('x', 'one')).rejects.toMatchObject({
    kind: 'data_loss',
    message: expect.stringContaining(join(snapshots, '1')),
  });
  await s.cleanup();
  expect((await readdir(snapshots)).sort()).toEqual(['2', 'lost+found']);
});

test('where overlayfs cannot work, the start is skipped and says why', async () => {
  // An overlay is no place for upper directories of another one.
  for (const name of ['lower', 'upper', 'work', 'merged']) await mkdir(join(dir, name));
  const options = [`lowerdir=${dir}/lower`, `upperdir=${dir}/upper`, `workdir=${dir}/work`];
  const merged = join(dir, 'merged');
  await mounter.mount([{ type: 'overlay', source: 'overlay', options }], merged);
  try {
    const refusal = await OverlaySnapshotter.open(join(merged, 'root')).catch((e: unknown) => e);
    expect(Skip.is(refusal)).toBe(true);
    expect((refusal as Error).message).toMatch(/\(overlay\).*native/);
  } finally {
    await mounter.unmount(merged);
  }
});

test('a second snapshotter on the same root is refused', async () => {
  await using _ = await open();
  await expect(open()).rejects.toMatchObject({ kind: 'failed_precondition' });
});

test('with upperdir_label, every snapshot tells where its files are', async () => {
  await using s = await OverlaySnapshotter.open(root, { upperdirLabel: true });
  await s.prepare('a', '', { labels: { l: 'x' } });
  const expected = { l: 'x', 'containerd.io/snapshot/overlay.upperdir': join(root, 'snapshots/1/fs') };
  expect({ ...(await s.stat('a')).labels }).toEqual(expected);
  for await (const { labels } of s.list()) expect({ ...labels }).toEqual(expected);
});
