import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  chmod,
  chown,
  link,
  lutimes,
  mkdir,
  open,
  readdir,
  readFile,
  stat,
  statfs,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test } from '@jest/globals';
import { getXattr, listXattrs, setXattr } from '@stowage/linux';
import { NativeSnapshotter } from '@stowage/snapshotter-native';
import { loopDisk } from '@stowage/testing/loop-disk';

const run = promisify(execFile);
const MIB = 1 << 20;

async function fill(root: string): Promise<void> {
  await mkdir(join(root, 'd/e'), { recursive: true });
  await writeFile(join(root, 'd/file'), randomBytes(3 * MIB));
  await link(join(root, 'd/file'), join(root, 'd/e/same'));
  await symlink('../d/file', join(root, 'd/link'));
  await chown(join(root, 'd/file'), 12, 34);
  await chmod(join(root, 'd/file'), 0o4750);
  setXattr(join(root, 'd/file'), 'user.note', Buffer.from('kept'));
  setXattr(join(root, 'd/e'), 'trusted.note', Buffer.from('kept too'));
  const sparse = await open(join(root, 'sparse'), 'w');
  await sparse.write(Buffer.from('middle'), 0, 6, 8 * MIB);
  await sparse.truncate(32 * MIB);
  await sparse.close();
  await lutimes(join(root, 'd/link'), 1, 2.5);
  await lutimes(join(root, 'd/e'), 1_000_000, 2_000_000.25);
}

/** Everything stat tells that a copy keeps, and attributes. */
async function listing(root: string): Promise<string[]> {
  const { stdout } = await run('find', [root, '-mindepth', '1', '-printf', '%P|%y|%m|%U|%G|%T@|%l\n']);
  const attributes = (path: string) =>
    path === 'd/link' ? '' : listXattrs(join(root, path)).map((n) => `${n}=${getXattr(join(root, path), n)}`);
  return stdout
    .trim()
    .split('\n')
    .map((line) => `${line}|${attributes(line.split('|')[0] as string)}`)
    .sort();
}

async function usedBytes(path: string): Promise<number> {
  await run('sync', ['-f', path]);
  const { blocks, bfree, bsize } = await statfs(path);
  return (blocks - bfree) * bsize;
}

describe.each(['ext4', 'xfs', 'btrfs'] as const)('on %s', (kind) => {
  test('a copy keeps everything, and what is written to it does not reach its parent', async () => {
    await using disk = await loopDisk(kind);
    await using s = await NativeSnapshotter.open(join(disk.path, 'root'));
    const [base] = await s.prepare('k', '');
    const from = base?.source as string;
    await fill(from);
    const before = await listing(from);
    const bytes = await readFile(join(from, 'd/file'));
    await s.commit('base', 'k');
    const [copy] = await s.prepare('run', 'base');
    const to = copy?.source as string;
    expect(await listing(to)).toEqual(before);
    expect((await readFile(join(to, 'd/file'))).equals(bytes)).toBe(true);
    expect((await stat(join(to, 'd/file'))).ino).toBe((await stat(join(to, 'd/e/same'))).ino);
    const sparse = await stat(join(to, 'sparse'));
    expect([sparse.size, sparse.blocks * 512 < MIB]).toEqual([32 * MIB, true]);
    await writeFile(join(to, 'd/file'), 'changed');
    expect((await readFile(join(from, 'd/file'))).equals(bytes)).toBe(true);
    expect((await s.usage('base')).sizeBytes).toBeGreaterThan(BigInt(35 * MIB));
  });
});

test.each([
  ['xfs', true],
  ['btrfs', true],
  ['ext4', false],
] as const)('on %s blocks are shared: %s', async (kind, shares) => {
  await using disk = await loopDisk(kind);
  await using s = await NativeSnapshotter.open(join(disk.path, 'root'));
  const [base] = await s.prepare('k', '');
  for (let i = 0; i < 4; i++) await writeFile(join(base?.source as string, `${i}`), randomBytes(4 * MIB));
  await s.commit('base', 'k');
  const before = await usedBytes(disk.path);
  await s.prepare('run', 'base');
  const more = (await usedBytes(disk.path)) - before;
  if (shares) expect(more).toBeLessThan(4 * MIB);
  else expect(more).toBeGreaterThan(12 * MIB);
});

test('several are copied at once', async () => {
  await using disk = await loopDisk('xfs');
  const root = join(disk.path, 'root');
  await using s = await NativeSnapshotter.open(root);
  const [base] = await s.prepare('k', '');
  for (let i = 0; i < 300; i++) await writeFile(join(base?.source as string, `${i}`), 'x');
  await s.commit('base', 'k');
  await Promise.all(['a', 'b', 'c', 'd'].map((key) => s.prepare(key, 'base')));
  for (const id of [2, 3, 4, 5])
    expect(await readdir(join(root, 'snapshots', `${id}`, 'fs'))).toHaveLength(300);
});
