import { execFile } from 'node:child_process';
import { chmod, chown, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import type { Mount } from '@stowage/core';
import { getXattr, makedev, mknod, setXattr } from '@stowage/linux';
import { Mounter } from '@stowage/linux/mounter';
import { OverlaySnapshotter } from '../src/index.ts';

const run = promisify(execFile);
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

/** As many layers, each with a file of its own and one that the next one replaces. */
async function stack(s: OverlaySnapshotter, count: number): Promise<string> {
  let parent = '';
  for (let i = 0; i < count; i++) {
    await s.prepare(`k${i}`, parent);
    const upper = join(root, 'snapshots', String(i + 1), 'fs');
    await writeFile(join(upper, `file${i}`), `${i}`);
    await writeFile(join(upper, 'shared'), `${i}`);
    parent = `sha256:${'0'.repeat(60)}${i}`;
    await s.commit(parent, `k${i}`);
  }
  return parent;
}

async function expectStack(at: string, count: number): Promise<void> {
  expect(await readFile(join(at, 'shared'), 'utf8')).toBe(`${count - 1}`);
  for (const i of [0, count >> 1, count - 1])
    expect(await readFile(join(at, `file${i}`), 'utf8')).toBe(`${i}`);
  expect(await readdir(at)).toHaveLength(count + 1);
}

test('128 layers show through one another, to our mounter and to clients that mount themselves', async () => {
  await using s = await open();
  const top = await stack(s, 128);
  const mounts = await s.prepare('run', top);
  expect(optionsOf(mounts).join(',').length).toBeGreaterThan(4096);
  await mounter.withMount(mounts, async (at) => {
    await expectStack(at, 128);
    await writeFile(join(at, 'x'), '');
  });
  // containerd's client makes the layers relative to the directory that they share, and changes to that (containerd
  // core/mount/mount_linux.go compactLowerdirOption); mount(2) takes a page, less 512 bytes.
  const options = optionsOf(await s.view('look', top)).map((option) =>
    option.replaceAll(`${join(root, 'snapshots')}/`, ''),
  );
  expect(options.join(',').length).toBeLessThan(4096 - 512);
  const target = join(dir, 'target');
  await mkdir(target);
  // The mount system call itself, as older tools make it.
  const environment = { ...process.env, LIBMOUNT_FORCE_MOUNT2: 'always' };
  const args = ['-t', 'overlay', 'overlay', '-o', options.join(','), target];
  await run('mount', args, { cwd: join(root, 'snapshots'), env: environment });
  try {
    await expectStack(target, 128);
  } finally {
    await mounter.unmount(target);
  }
});

test('a layer committed onto a parent hides what its whiteouts say, and is as if made on it', async () => {
  await using s = await open();
  await layer(s, 'base', '', { kept: '1', gone: '1' });
  await mounter.withMount(await s.prepare('more', 'base'), async (at) => {
    await mkdir(join(at, 'emptied'));
    await writeFile(join(at, 'emptied', 'old'), '');
  });
  await s.commit('two', 'more');
  const [alone] = await s.prepare('alone', '');
  const upper = alone?.source ?? '';
  mknod(join(upper, 'gone'), 0o020000, makedev(0, 0));
  await mkdir(join(upper, 'emptied'));
  setXattr(join(upper, 'emptied'), 'trusted.overlay.opaque', Buffer.from('y'));
  await writeFile(join(upper, 'emptied', 'new'), '');
  await s.commit('three', 'alone', { parent: 'two', labels: { l: 'x' } });
  expect(await s.stat('three')).toMatchObject({ parent: 'two', kind: 'committed', labels: { l: 'x' } });
  expect((await s.usage('three')).inodes).toBe(4n);
  await expect(s.remove('two')).rejects.toMatchObject({ kind: 'failed_precondition' });
  const mounts = await s.prepare('run', 'three');
  expect(optionsOf(mounts)).toContain(
    `lowerdir=${[3, 2, 1].map((id) => join(root, 'snapshots', String(id), 'fs')).join(':')}`,
  );
  await mounter.withMount(mounts, async (at) => {
    expect((await readdir(at)).sort()).toEqual(['emptied', 'kept']);
    expect(await readdir(join(at, 'emptied'))).toEqual(['new']);
  });
});

test('a snapshot whose directory was lost can be removed and unpacked again', async () => {
  {
    await using s = await open();
    await layer(s, 'one', '', { a: '1' });
    await layer(s, 'two', 'one', { b: '2' });
  }
  await rm(join(root, 'snapshots', '2'), { recursive: true });
  await using s = await open();
  await expect(s.prepare('run', 'two')).rejects.toMatchObject({ kind: 'data_loss' });
  await s.remove('two');
  await layer(s, 'two', 'one', { b: 'again' });
  await mounter.withMount(await s.prepare('run', 'two'), async (at) => {
    expect(await readFile(join(at, 'b'), 'utf8')).toBe('again');
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

test('volatile is for unpacking: no root of a container and no view is mounted so', async () => {
  await using s = await OverlaySnapshotter.open(root, { mountOptions: ['volatile'] });
  await layer(s, 'one', '', { a: '1' });
  await layer(s, 'two', 'one', { b: '2' });
  const unpacking = { labels: { 'containerd.io/snapshot.ref': 'three' } };
  const mounts = await s.prepare('unpacking', 'two', unpacking);
  expect(optionsOf(mounts)).toContain('volatile');
  expect(optionsOf(await s.prepare('run', 'two'))).not.toContain('volatile');
  expect(optionsOf(await s.view('view', 'two', unpacking))).not.toContain('volatile');
  await mounter.withMount(mounts, (at) => writeFile(join(at, 'c'), '3'));
  await s.commit('three', 'unpacking');
  for (const key of ['once', 'again']) {
    await mounter.withMount(await s.prepare(key, 'three'), async (at) => {
      expect((await readdir(at)).sort()).toEqual(['a', 'b', 'c']);
    });
  }
});

test('what was found out about the kernel is noted for this boot, and found out again when asked for more', async () => {
  await (await open())[Symbol.asyncDispose]();
  const noted = JSON.parse(await readFile(join(root, 'probed.json'), 'utf8'));
  expect(noted).toMatchObject({ options: ['index=off'], remapsIds: true, asked: [] });
  await writeFile(join(root, 'probed.json'), JSON.stringify({ ...noted, options: ['xino=off'] }));
  {
    await using s = await open();
    await layer(s, 'one', '', {});
    expect(optionsOf(await s.prepare('k', 'one'))).toContain('xino=off');
  }
  await writeFile(join(root, 'probed.json'), '{"boot":');
  await using s = await OverlaySnapshotter.open(root, { mountOptions: ['metacopy=off'] });
  expect(optionsOf(await s.prepare('l', 'one')).slice(-2)).toEqual(['metacopy=off', 'index=off']);
});

test('upper and work lie on one file system, side by side', async () => {
  await using s = await open();
  await layer(s, 'one', '', {});
  const options = optionsOf(await s.prepare('run', 'one'));
  const path = (key: string) => options.find((o) => o.startsWith(`${key}=`))?.slice(key.length + 1) ?? '';
  expect(dirname(path('upperdir'))).toBe(dirname(path('workdir')));
  expect((await stat(path('upperdir'))).dev).toBe((await stat(path('workdir'))).dev);
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
