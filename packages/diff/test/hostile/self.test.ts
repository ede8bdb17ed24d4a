import {
  chmodSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { chmod, lstat, rm, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { expect, jest, test } from '@jest/globals';
import { Fault } from '@stowage/core';
import { setXattr } from '@stowage/linux';
import { TarReader } from '../../src/tar/reader.ts';
import { rooted } from '../../src/unpack/names.ts';
import { Workspace } from '../workspace.ts';
import { Outside } from './outside.ts';
import { planOf } from './plan.ts';
import { play } from './play.ts';
import { countOf } from './report.ts';
import { type Subject, unpackerSubject } from './subject.ts';

jest.setTimeout(300_000);

const options = { archives: 60, seed: 1, containerdEvery: 0, swapEvery: 0, mostFindings: 1 };

/** Unpacks into a directory as one who takes paths for what they seem: links on the way are followed. */
const naive: Subject = async (at, mounts, bytes, signal) => {
  const [mount] = mounts;
  if (mount?.type !== 'bind') return unpackerSubject(at, mounts, bytes, signal);
  let rest = bytes;
  const reader = new TarReader({
    peek: () => rest,
    take: (size) => {
      rest = rest.subarray(size);
    },
  });
  for (let e = reader.next(); e !== undefined; e = reader.next()) {
    const path = join(mount.source, rooted(e.name));
    // What it may harm is the canary, not the machine.
    const within = (place: string) => realpathSync(place).startsWith(`${at.root}/`);
    const reached = existsSync(path) ? path : dirname(path);
    if (!existsSync(reached) || !within(reached)) throw new Fault('invalid_argument', 'too far out');
    try {
      if (e.kind === 'directory') mkdirSync(path, { recursive: true });
      else if (e.kind === 'file') {
        if (lstatSync(path, { throwIfNoEntry: false })?.isFIFO() === true) rmSync(path);
        writeFileSync(path, 'naive');
      } else if (e.kind === 'symlink') symlinkSync(e.linkname, path);
      else if (e.kind === 'hardlink') linkSync(join(mount.source, rooted(e.linkname)), path);
      if (e.kind === 'file') chmodSync(path, e.mode);
    } catch {
      throw new Fault('invalid_argument', 'it cannot');
    }
  }
  return { needsBelow: false };
};

test('the canary tells of one who follows links', async () => {
  const report = await play({ ...options, archives: 400, subject: naive, mostFindings: Infinity });
  expect(report.findings.at(-1)).toMatchObject({
    kind: 'escape',
    text: expect.stringMatching(/canary|appeared/),
  });
  expect(countOf(report, 'escape')).toBe(1);
});

test('GNU tar tells of one who loses setuid, in directories and overlays alike', async () => {
  const subject: Subject = async (at, mounts, bytes, signal) => {
    const outcome = await unpackerSubject(at, mounts, bytes, signal);
    const isMountable =
      mounts[0]?.type === 'bind' || mounts[0]?.options.some((o) => o.startsWith('lowerdir='));
    if (isMountable === true) {
      await at.see(mounts, async (root) => {
        const path = join(root, 'a/g');
        const stats = await lstat(path).catch(() => undefined);
        if (stats?.isFile() === true) await chmod(path, stats.mode & 0o777);
      });
    }
    return outcome;
  };
  const report = await play({ ...options, subject });
  expect(report.findings[0]).toMatchObject({ kind: 'difference', text: expect.stringContaining('4755') });
});

test('an overlay tells of one who forgets whiteouts in directories', async () => {
  const subject: Subject = (at, mounts, bytes, signal) => {
    if (mounts[0]?.type !== 'bind') return unpackerSubject(at, mounts, bytes, signal);
    // Another name, of the same length and sum.
    const text = Buffer.from(bytes).toString('latin1').replaceAll('.wh.', 'w.h.');
    return unpackerSubject(at, mounts, Buffer.from(text, 'latin1'), signal);
  };
  const report = await play({ ...options, subject, archives: 100 });
  expect(report.findings[0]).toMatchObject({
    kind: 'difference',
    text: expect.stringContaining('overlay absent'),
  });
});

test('a failure that is no refusal is told', async () => {
  const subject: Subject = () => Promise.reject(new TypeError('not a function'));
  const report = await play({ ...options, archives: 3, subject, mostFindings: 5 });
  expect(report).toMatchObject({ archives: 3, applied: 0 });
  expect(report.findings[0]).toMatchObject({
    kind: 'unclear',
    text: expect.stringContaining('not a function'),
  });
});

test('a seed makes the same archive again, and another seed another', () => {
  expect(planOf(7, '/canary')).toEqual(planOf(7, '/canary'));
  expect(planOf(8, '/canary')).not.toEqual(planOf(7, '/canary'));
});

test.each<[string, (canary: string, root: string) => unknown]>([
  ['a mode', (canary) => chmod(join(canary, 'etc/passwd'), 0o600)],
  ['content', (canary) => writeFile(join(canary, 'etc/deep/file'), 'more')],
  ['a time', (canary) => utimes(join(canary, 'etc/deep'), 1, 1)],
  ['an attribute', (canary) => setXattr(join(canary, 'etc/passwd'), 'user.x', Buffer.from('1'))],
  ['one more file', (canary) => writeFile(join(canary, 'new'), '')],
  ['one file less', (canary) => rm(join(canary, 'etc/link'))],
  [
    'one more name of a file',
    (canary, root) => linkSync(join(canary, 'etc/passwd'), join(root, 'base-link')),
  ],
  ['something beside it', (_, root) => writeFile(join(root, 'stranger'), '')],
])('the canary tells of %s', async (_, harm) => {
  await using at = await Workspace.open();
  const outside = await Outside.make(at.root);
  expect([await outside.touched(), await outside.hostTouched()]).toEqual([undefined, undefined]);
  await harm(outside.canary, at.root);
  expect(await outside.touched()).toMatch(/canary|appeared/);
});
