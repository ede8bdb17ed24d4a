import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  constants,
  lchownSync,
  linkSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { getXattr, makedev, mkfifo, mknod, setXattr } from '../src/index.ts';
import { Trees } from '../src/trees.ts';

let dir: string;
let from: string;
let to: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'linux-copy-'));
  from = join(dir, 'from');
  to = join(dir, 'to');
  mkdirSync(from);
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

/** Everything stat tells that a copy keeps. */
function listing(tree: string): string {
  const format = '%P|%y|%m|%U|%G|%n|%s|%T@|%l\\n';
  return execFileSync('find', [tree, '-printf', format]).toString().split('\n').sort().join('\n');
}

function fill() {
  mkdirSync(join(from, 'd', 'e'), { recursive: true });
  writeFileSync(join(from, 'd', 'file'), 'content');
  writeFileSync(join(from, 'setuid'), '');
  chownSync(join(from, 'setuid'), 12, 34);
  chmodSync(join(from, 'setuid'), 0o6711);
  linkSync(join(from, 'd', 'file'), join(from, 'd', 'e', 'same'));
  symlinkSync('/etc/passwd', join(from, 'link'));
  linkSync(join(from, 'link'), join(from, 'd', 'same-link'));
  lchownSync(join(from, 'link'), 5, 6);
  lutimesSync(join(from, 'link'), 1, 2);
  symlinkSync('nowhere', join(from, 'd', 'dangling'));
  mkfifo(join(from, 'fifo'), 0o640);
  mknod(join(from, 'null'), constants.S_IFCHR | 0o666, makedev(1, 3));
  mknod(join(from, 'd', 'whiteout'), constants.S_IFCHR | 0o600, makedev(0, 0));
  mknod(join(from, 'socket'), 0o140755);
  writeFileSync(Buffer.concat([Buffer.from(`${from}/`), Buffer.from([0xff, 0xfe, 0x41])]), 'bytes');
  chmodSync(join(from, 'd'), 0o1777);
  utimesSync(join(from, 'd'), 1_000_000, 2_000_000);
  utimesSync(from, 3_000_000, 4_000_000);
}

test('everything about a tree is kept', async () => {
  await using trees = new Trees();
  fill();
  await trees.copy(from, to);
  expect(listing(to)).toBe(listing(from));
  expect(lstatSync(join(to, 'null')).rdev).toBe(makedev(1, 3));
  expect(readFileSync(join(to, 'd', 'file'), 'utf8')).toBe('content');
  expect(readlinkSync(join(to, 'link'))).toBe('/etc/passwd');
  const same = (a: string, b: string) => lstatSync(join(to, a)).ino === lstatSync(join(to, b)).ino;
  expect(same('d/file', 'd/e/same')).toBe(true);
  expect(same('link', 'd/same-link')).toBe(true);
});

test('extended attributes are kept, also those that chown clears', async () => {
  await using trees = new Trees();
  writeFileSync(join(from, 'ping'), '');
  chownSync(join(from, 'ping'), 7, 7);
  const capability = Buffer.from('0100000200200000000000000000000000000000', 'hex');
  setXattr(join(from, 'ping'), 'security.capability', capability);
  setXattr(join(from, 'ping'), 'user.bytes', Buffer.from([0, 255]));
  setXattr(from, 'user.top', Buffer.from('x'));
  symlinkSync('ping', join(from, 'link'));
  setXattr(join(from, 'link'), 'trusted.on-a-link', Buffer.from('y'));
  await trees.copy(from, to);
  expect(getXattr(join(to, 'ping'), 'security.capability')).toEqual(capability);
  expect(getXattr(join(to, 'ping'), 'user.bytes')).toEqual(Buffer.from([0, 255]));
  expect(getXattr(to, 'user.top').toString()).toBe('x');
  expect(getXattr(join(to, 'link'), 'trusted.on-a-link').toString()).toBe('y');
});

test('holes stay holes, at the start, in the middle and at the end', async () => {
  await using trees = new Trees();
  const fd = openSync(join(from, 'sparse'), 'w');
  const data = Buffer.alloc(3 << 20, 'x');
  writeSync(fd, data, 0, data.length, 8 << 20);
  writeSync(fd, 'end', 64 << 20);
  truncateSync(join(from, 'sparse'), 128 << 20);
  writeFileSync(join(from, 'empty'), '');
  truncateSync(join(from, 'empty'), 1 << 20);
  await trees.copy(from, to);
  expect(readFileSync(join(to, 'sparse')).equals(readFileSync(join(from, 'sparse')))).toBe(true);
  expect(lstatSync(join(to, 'sparse')).blocks).toBeLessThan(9000);
  expect(lstatSync(join(to, 'empty'))).toMatchObject({ size: 1 << 20, blocks: 0 });
});

test('what is mounted in the tree is not copied', async () => {
  await using trees = new Trees();
  mkdirSync(join(from, 'm'));
  const other = join(dir, 'other');
  mkdirSync(other);
  writeFileSync(join(other, 'secret'), '');
  execFileSync('mount', ['--bind', other, join(from, 'm')]);
  try {
    await trees.copy(from, to);
  } finally {
    execFileSync('umount', [join(from, 'm')]);
  }
  expect(execFileSync('ls', ['-A', join(to, 'm')]).toString()).toBe('');
});

test('an aborted copy rejects with the reason', async () => {
  await using trees = new Trees();
  for (let i = 0; i < 1000; i++) writeFileSync(join(from, `${i}`), 'x');
  const stop = new AbortController();
  const reason = new Error('enough');
  const copying = trees.copy(from, to, { signal: stop.signal });
  stop.abort(reason);
  await expect(copying).rejects.toBe(reason);
});
