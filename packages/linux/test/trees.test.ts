import { execFileSync } from 'node:child_process';
import {
  chownSync,
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { mkfifo } from '../src/index.ts';
import { probeMount } from '../src/probe-mount.ts';
import { Trees } from '../src/trees.ts';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'linux-trees-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

test('usage counts each inode once, links as links, and directories', async () => {
  await using trees = new Trees();
  const tree = join(dir, 'tree');
  mkdirSync(join(tree, 'd'), { recursive: true });
  writeFileSync(join(tree, 'a'), 'x'.repeat(1000));
  linkSync(join(tree, 'a'), join(tree, 'd', 'again'));
  symlinkSync('/etc', join(tree, 'link'));
  writeFileSync(Buffer.concat([Buffer.from(`${tree}/`), Buffer.from([0xff, 0xfe])]), 'bytes');
  mkfifo(join(tree, 'fifo'), 0o600);
  const sizes = BigInt(execFileSync('du', ['-b', '-s', tree]).toString().split('\t')[0] as string);
  expect(await trees.usage(tree)).toEqual({ sizeBytes: sizes, inodes: 6n });
});

test('removal takes whatever is there, and not where links lead', async () => {
  await using trees = new Trees();
  const outside = join(dir, 'outside');
  mkdirSync(outside);
  writeFileSync(join(outside, 'kept'), '');
  const tree = join(dir, 'tree');
  mkdirSync(join(tree, 'd', 'e'), { recursive: true });
  symlinkSync(outside, join(tree, 'link'));
  symlinkSync(outside, join(tree, 'd', 'e', 'link'));
  mkfifo(join(tree, 'fifo'), 0);
  writeFileSync(Buffer.concat([Buffer.from(`${tree}/d/`), Buffer.from([0xff])]), '');
  await trees.remove(tree);
  expect(existsSync(tree)).toBe(false);
  expect(existsSync(join(outside, 'kept'))).toBe(true);
  await trees.remove(tree);
});

test('a tree deeper than any path or stack is measured and removed', async () => {
  await using trees = new Trees();
  const tree = join(dir, 'tree');
  mkdirSync(tree);
  execFileSync('perl', ['-e', 'for (1..1500) { mkdir "dd"; chdir "dd" }'], { cwd: tree });
  expect((await trees.usage(tree)).inodes).toBe(1501n);
  await trees.remove(tree);
  expect(existsSync(tree)).toBe(false);
});

test('a removal lets other calls in, and ends all the same', async () => {
  await using trees = new Trees();
  const tree = join(dir, 'tree');
  for (let i = 0; i < 10; i++) {
    mkdirSync(join(tree, `${i}`, 'below'), { recursive: true });
    for (let j = 0; j < 200; j++) writeFileSync(join(tree, `${i}`, 'below', `${j}`), '');
  }
  let removed = false;
  const removal = trees.remove(tree).then(() => {
    removed = true;
  });
  await trees.usage(dir);
  expect(removed).toBe(false);
  await removal;
  expect(existsSync(tree)).toBe(false);
});

test('what is mounted in a tree is neither measured nor removed', async () => {
  await using trees = new Trees();
  const tree = join(dir, 'tree');
  mkdirSync(join(tree, 'm'), { recursive: true });
  const other = join(dir, 'other');
  mkdirSync(other);
  writeFileSync(join(other, 'kept'), '');
  execFileSync('mount', ['--bind', other, join(tree, 'm')]);
  try {
    expect((await trees.usage(tree)).inodes).toBe(2n);
    await expect(trees.remove(tree)).rejects.toMatchObject({ code: 'EXDEV' });
    expect(existsSync(join(other, 'kept'))).toBe(true);
  } finally {
    execFileSync('umount', [join(tree, 'm')]);
  }
});

test('an aborted call rejects with the reason', async () => {
  await using trees = new Trees();
  const tree = join(dir, 'tree');
  mkdirSync(tree);
  for (let i = 0; i < 2000; i++) writeFileSync(join(tree, `${i}`), '');
  const stop = new AbortController();
  const reason = new Error('enough');
  const usage = trees.usage(tree, { signal: stop.signal });
  stop.abort(reason);
  await expect(usage).rejects.toBe(reason);
});

test('measuring goes into directories with its own thread alone, and comes back', async () => {
  await using trees = new Trees({ concurrency: 1 });
  const tree = join(dir, 'tree');
  mkdirSync(join(tree, 'd'), { recursive: true });
  writeFileSync(join(tree, 'd', 'f'), 'x');
  const here = process.cwd();
  const first = await trees.usage(tree);
  expect(first.inodes).toBe(3n);
  expect(readdirSync('.')).toEqual(readdirSync(here));
  for (let i = 0; i < 2; i++) expect(await trees.usage(relative(here, tree))).toEqual(first);
  await expect(trees.usage(join(tree, 'd', 'f'))).rejects.toMatchObject({ code: 'ENOTDIR' });
  expect(await trees.usage(relative(here, tree))).toEqual(first);
});

test('a call does not wait for another that takes long', async () => {
  await using trees = new Trees({ concurrency: 2 });
  const long = join(dir, 'long');
  for (let i = 0; i < 10; i++) {
    mkdirSync(join(long, `${i}`), { recursive: true });
    for (let n = 0; n < 100; n++) writeFileSync(join(long, `${i}`, `${n}`), 'x');
  }
  const ended: string[] = [];
  const copy = trees.copy(long, join(dir, 'copy')).then(() => void ended.push('copy'));
  for (const name of ['0', '1']) {
    await trees.usage(join(long, name));
    ended.push('usage');
  }
  await copy;
  expect(ended).toEqual(['usage', 'usage', 'copy']);
});

test('a probe tells what is mounted, or why it cannot be, and leaves no mount', async () => {
  for (const name of ['l1', 'l2', 'm']) mkdirSync(join(dir, name));
  writeFileSync(join(dir, 'l1', 'a'), '');
  writeFileSync(join(dir, 'l2', 'b'), '');
  const options = [`lowerdir=${dir}/l1:${dir}/l2`];
  const target = join(dir, 'm');
  chownSync(join(dir, 'l1'), 7, 8);
  const { names, uid, gid } = await probeMount([{ type: 'overlay', source: 'overlay', options }], target);
  expect([...names].sort()).toEqual(['a', 'b']);
  expect([uid, gid]).toEqual([7, 8]);
  await expect(probeMount([{ type: 'nofs', source: 'x', options: [] }], target)).rejects.toMatchObject({
    code: 'ENODEV',
  });
  expect(execFileSync('cat', ['/proc/self/mountinfo']).toString()).not.toContain(dir);
});
