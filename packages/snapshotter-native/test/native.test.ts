import { execFile } from 'node:child_process';
import { chmod, chown, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { Mounter } from '@stowage/linux/mounter';
import { NativeSnapshotter } from '../src/index.ts';

const run = promisify(execFile);
let dir: string;
let root: string;
let mounter: Mounter;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'snapshotter-native-'));
  root = join(dir, 'root');
  mounter = new Mounter();
});
afterEach(async () => {
  await mounter[Symbol.asyncDispose]();
  await rm(dir, { recursive: true, force: true });
});

test('an active snapshot is a copy of its parent, and a view is the parent itself', async () => {
  await using s = await NativeSnapshotter.open(root);
  const [base] = await s.prepare('a', '');
  const files = base?.source as string;
  expect(base).toEqual({ type: 'bind', source: join(root, 'snapshots/1/fs'), options: ['rbind', 'rw'] });
  await writeFile(join(files, 'f'), 'one');
  await run('mkfifo', [join(files, 'fifo')]);
  await chown(files, 1000, 1001);
  await chmod(files, 0o1711);
  await s.commit('one', 'a');
  const [top] = await s.prepare('b', 'one');
  const copy = top?.source as string;
  await writeFile(join(copy, 'f'), 'two');
  expect(await readFile(join(files, 'f'), 'utf8')).toBe('one');
  expect((await readdir(copy)).sort()).toEqual(['f', 'fifo']);
  const { uid, gid, mode } = await stat(copy);
  expect([uid, gid, mode & 0o7777]).toEqual([1000, 1001, 0o1711]);
  const view = await s.view('v', 'one');
  expect(view).toEqual([{ type: 'bind', source: files, options: ['rbind', 'ro'] }]);
  await mounter.withMount(view, async (at) => {
    await expect(writeFile(join(at, 'x'), '')).rejects.toMatchObject({ code: 'EROFS' });
  });
  expect(await s.view('empty', '')).toMatchObject([{ options: ['rbind', 'ro'] }]);
  for (const key of ['v', 'empty', 'b', 'one']) await s.remove(key);
  await s.cleanup();
  expect(await readdir(join(root, 'snapshots'))).toEqual([]);
});

test('on a full disk prepare says so and leaves nothing', async () => {
  await run('mkdir', [root]);
  await run('mount', ['-t', 'tmpfs', '-o', 'size=3m', 'tmpfs', root]);
  try {
    await using s = await NativeSnapshotter.open(root);
    const [base] = await s.prepare('a', '');
    await writeFile(join(base?.source as string, 'f'), Buffer.alloc(2 << 20));
    await s.commit('one', 'a');
    await expect(s.prepare('b', 'one')).rejects.toMatchObject({ kind: 'resource_exhausted' });
    await s.cleanup();
    expect(await readdir(join(root, 'snapshots'))).toEqual(['1']);
    await expect(s.stat('b')).rejects.toMatchObject({ kind: 'not_found' });
  } finally {
    await run('umount', [root]);
  }
});

test('a prepare that is given up leaves nothing', async () => {
  await using s = await NativeSnapshotter.open(root);
  const [base] = await s.prepare('a', '');
  for (let i = 0; i < 500; i++) await writeFile(join(base?.source as string, `${i}`), 'x');
  await s.commit('one', 'a');
  const stop = new AbortController();
  const reason = new Error('enough');
  const preparing = s.prepare('b', 'one', { signal: stop.signal });
  // By then the copy is under way.
  while ((await readdir(join(root, 'snapshots'))).length < 2) await new Promise(setImmediate);
  stop.abort(reason);
  await expect(preparing).rejects.toBe(reason);
  await s.cleanup();
  expect(await readdir(join(root, 'snapshots'))).toEqual(['1']);
  await s.prepare('b', 'one');
});

test('nobody else can enter any directory on the way to the files', async () => {
  await using s = await NativeSnapshotter.open(root);
  await s.prepare('a', '');
  for (const path of ['', 'snapshots', 'snapshots/1', 'metadata']) {
    expect(((await stat(join(root, path))).mode & 0o777).toString(8)).toBe('700');
  }
});
