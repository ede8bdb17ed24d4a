import { execFile } from 'node:child_process';
import {
  link,
  lstat,
  mkdir,
  open,
  readFile,
  stat,
  symlink,
  truncate,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { getXattr, listXattrs, lutimes, mknod, setXattr } from '@stowage/linux';
import { entry, file, paxBody, tar } from './tar-writer.ts';
import { Workspace } from './workspace.ts';

const run = promisify(execFile);
let at: Workspace;
let tree: string;

/** Everything a tar format can say, within what the oldest of them can. */
beforeAll(async () => {
  at = await Workspace.open();
  tree = await at.directory('tree');
  await mkdir(join(tree, 'a/b'), { recursive: true });
  await writeFile(join(tree, 'a/file'), 'content');
  await writeFile(join(tree, 'a/empty'), '');
  await writeFile(join(tree, 'a/blocks'), Buffer.alloc(1024, 'b'));
  await link(join(tree, 'a/file'), join(tree, 'a/b/hard'));
  await symlink('../file', join(tree, 'a/b/soft'));
  mknod(join(tree, 'a/fifo'), 0o010644);
  mknod(join(tree, 'a/null'), 0o020666, 0x103);
  await utimes(join(tree, 'a/file'), 1_000_000_000, 1_000_000_000);
});
afterAll(async () => at[Symbol.asyncDispose]());

/** Packs the tree with GNU tar, unpacks it with GNU tar and with ours, and compares all but what formats cut off. */
async function compare(...options: string[]): Promise<string> {
  const id = options.join('').replaceAll(/\W/g, '');
  const archive = join(at.root, `${id}.tar`);
  await run('tar', ['--create', '--sort=name', '--file', archive, '-C', tree, ...options, 'a']);
  const theirs = await at.directory(`gnu-${id}`);
  await run('tar', [
    '--extract',
    '--numeric-owner',
    '--xattrs',
    '--xattrs-include=*',
    '-pf',
    archive,
    '-C',
    theirs,
  ]);
  const { path, mounts } = await at.bind(`ours-${id}`);
  await at.apply(mounts, await readFile(archive));
  expect(await listing(path)).toEqual(await listing(theirs));
  return path;
}

async function listing(root: string): Promise<string> {
  const { stdout } = await run('find', ['.', '-printf', '%p %y %m %U %G %s %n %T@ %l\\n'], { cwd: root });
  const { stdout: sums } = await run('sh', ['-c', 'find . -type f -exec sha256sum {} +'], { cwd: root });
  // The root is not the archive's.
  return `${stdout}${sums}`
    .split('\n')
    .filter((line) => !line.startsWith('. '))
    .sort()
    .join('\n');
}

test.each(['v7', 'ustar'])('format %s', async (format) => {
  if (format === 'v7') await compare(`--format=${format}`, '--exclude=null', '--exclude=fifo');
  else await compare(`--format=${format}`);
});

test.each(['gnu', 'oldgnu', 'posix'])(
  'format %s: long names and links, large ids, times before and after',
  async (format) => {
    const deep = join(tree, 'a', ...Array.from({ length: 6 }, (_, i) => `${i}`.repeat(60)));
    await mkdir(deep, { recursive: true });
    await writeFile(join(deep, 'n'.repeat(200)), 'long');
    await symlink('t'.repeat(300), join(deep, 'link')).catch(() => {});
    await link(join(deep, 'n'.repeat(200)), join(deep, 'hard')).catch(() => {});
    await writeFile(join(tree, 'a/später-é'), 'utf8');
    lutimes(join(tree, 'a/später-é'), 0n, 4_000_000_000_123_456_789n);
    await compare(`--format=${format}`, '--owner=:3000000', '--group=:2500000');
  },
);

test.each([
  ['--format=gnu'],
  ['--format=posix', '--sparse-version=0.0'],
  ['--format=posix', '--sparse-version=0.1'],
  ['--format=posix', '--sparse-version=1.0'],
])('sparse files: %s %s', async (...options) => {
  const sparse = join(tree, 'a/sparse');
  await using handle = await open(sparse, 'w');
  for (let i = 0; i < 60; i++) await handle.write(`piece ${i}`, i * 100_000);
  await handle.sync();
  await truncate(sparse, 9_000_000);
  await writeFile(join(tree, 'a/hole'), '');
  await truncate(join(tree, 'a/hole'), 1_000_000);
  const path = await compare('--sparse', ...options);
  const { blocks, size } = await stat(join(path, 'a/sparse'));
  expect([size, blocks * 512 < 2_000_000]).toEqual([9_000_000, true]);
});

test('extended attributes as GNU tar packs them, but those of the administrator', async () => {
  const path = join(tree, 'a/attributes');
  await writeFile(path, 'x');
  setXattr(path, 'user.bytes', Buffer.from([1, 0, 255, 10, 61]));
  setXattr(path, 'security.capability', Buffer.from('0100000200040000000000000000000000000000', 'hex'));
  setXattr(path, 'trusted.any', Buffer.from('t'));
  await compare('--format=posix', '--xattrs', '--xattrs-include=*');
  const attributesIn = (name: string) => {
    const file = join(at.root, name, 'a/attributes');
    return listXattrs(file)
      .sort()
      .map((key) => [key, getXattr(file, key).toString('hex')]);
  };
  const id = 'formatposixxattrsxattrsinclude';
  const [administrators, ...others] = attributesIn(`gnu-${id}`).sort(([a]) => (a === 'trusted.any' ? -1 : 1));
  expect(administrators).toEqual(['trusted.any', '74']);
  expect(attributesIn(`ours-${id}`)).toEqual(others);
  expect(others.map(([key]) => key)).toEqual(['security.capability', 'user.bytes']);
});

test('times are exact to the nanosecond, and those the kernel could not keep are 1970', async () => {
  const { path, mounts } = await at.bind('times');
  const at1 = (name: string, mtime: string) => ({ ...file(name), pax: { mtime } });
  await at.apply(
    mounts,
    tar(
      at1('exact', '1600000000.000000001'),
      at1('cut', '1600000000.1234567899'),
      at1('early', '-1.5'),
      at1('late', '99999999999'),
      {
        ...file('base256'),
        raw: { mtime: Buffer.from('80000000000000012a05f200', 'hex') },
      },
    ),
  );
  const ns = async (name: string) => (await lstat(join(path, name), { bigint: true })).mtimeNs;
  expect(await Promise.all(['exact', 'cut', 'early', 'late', 'base256'].map(ns))).toEqual([
    1_600_000_000_000_000_001n,
    1_600_000_000_123_456_789n,
    0n,
    0n,
    5_000_000_000_000_000_000n,
  ]);
});

test('headers of other times: prefix, star, signed sums, old directories, contiguous files', async () => {
  const { path, mounts } = await at.bind('others');
  const signed = (name: string) => {
    const block = entry(file(name, 'x'));
    let sum = 0;
    for (let i = 0; i < 512; i++) sum += i >= 148 && i < 156 ? 32 : ((block[i] as number) << 24) >> 24;
    block.set(Buffer.from(`${(sum >>> 0 === sum ? sum : 0).toString(8).padStart(6, '0')}\0 `), 148);
    return block;
  };
  const star = entry({ ...file('base', 'x'), raw: { prefix: 'star' } });
  star.set(Buffer.from('tar\0'), 508);
  star.set(Buffer.from('        '), 148);
  star.set(
    Buffer.from(
      `${star
        .subarray(0, 512)
        .reduce((a, b) => a + b, 0)
        .toString(8)
        .padStart(6, '0')}\0 `,
    ),
    148,
  );
  await at.apply(
    mounts,
    tar(
      { ...file('base', 'x'), raw: { prefix: 'pre/fix' } },
      star,
      signed('sig\xe9'),
      { name: 'old/', type: '\0', raw: { magic: '\0\0\0\0\0\0\0\0' }, mode: 0o755 },
      { name: 'olde', type: '\0', body: 'x', raw: { magic: '\0\0\0\0\0\0\0\0' } },
      { ...file('contiguous', 'x'), type: '7' },
      { ...file('a'), pax: { path: 'taken', 'SCHILY.xattr.user.a': 'b' }, raw: { uid: '      7 ' } },
      entry({
        name: 'p',
        type: 'x',
        body: paxBody([
          ['path', 'first'],
          ['path', ''],
        ]),
      }),
      file('empty-value-takes-back', 'x'),
    ),
  );
  for (const name of ['pre/fix/base', 'star/base', 'olde', 'contiguous', 'empty-value-takes-back']) {
    expect(await readFile(join(path, name), 'utf8')).toBe('x');
  }
  expect((await stat(join(path, 'old'))).isDirectory()).toBe(true);
  expect((await stat(join(path, 'taken'))).uid).toBe(7);
  expect((await stat(Buffer.from(`${path}/sig\xe9`, 'latin1'))).size).toBe(1);
});
