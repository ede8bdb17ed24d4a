import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Mount } from '@stowage/core';
import { lutimes, mknod, setXattr } from '@stowage/linux';
import type { PackOptions } from '../src/packer.ts';
import { Packer } from '../src/packer.ts';
import { TarReader } from '../src/tar/reader.ts';
import { makeCanary } from './canary.ts';
import { at as place } from './tree.ts';
import { Workspace } from './workspace.ts';

let at: Workspace;
let packer: Packer;
beforeAll(async () => {
  at = await Workspace.open();
  packer = await Packer.open({ directory: join(at.root, 'views') });
});
afterAll(async () => {
  await packer[Symbol.asyncDispose]();
  await at[Symbol.asyncDispose]();
}, 60_000);

async function pack(
  left: readonly Mount[],
  right: readonly Mount[],
  options: PackOptions & { onPiece?: () => void } = {},
): Promise<Buffer> {
  let pieces: Uint8Array[] = [];
  await packer.pack(
    left,
    right,
    async (bytes) => {
      pieces = [];
      for await (const piece of bytes) {
        pieces.push(piece);
        options.onPiece?.();
      }
    },
    options,
  );
  return Buffer.concat(pieces);
}

/** What is in an archive: type by name. */
function entriesOf(archive: Buffer): Record<string, string> {
  let offset = 0;
  const reader = new TarReader({
    peek: () => archive.subarray(offset),
    take(size) {
      offset += size;
    },
  });
  const entries: Record<string, string> = {};
  for (let entry = reader.next(); entry !== undefined; entry = reader.next())
    entries[entry.name] = entry.kind;
  return entries;
}

const view = (path: string): Mount[] => [{ type: 'bind', source: path, options: ['ro', 'rbind'] }];
const overlayOf = (...lowers: string[]): Mount[] => [
  { type: 'overlay', source: 'overlay', options: [`lowerdir=${lowers.join(':')}`, 'ro'] },
];

test('FIFOs, sockets and devices are never opened, links never followed, secrets outside stay there', async () => {
  const canary = await at.directory('outside');
  await makeCanary(canary);
  const [left, right] = [await at.bind(), await at.bind()];
  symlinkSync(canary, join(right.path, 'directory'));
  symlinkSync(join(canary, 'etc/passwd'), join(right.path, 'file'));
  mknod(join(right.path, 'socket'), 0o140600);
  mknod(join(right.path, 'tty'), 0o020600, 0x0500);
  // The same on both sides, with a time that has the bytes compared, if there are any.
  for (const { path } of [left, right]) {
    mknod(join(path, 'fifo'), 0o010600);
    mknod(join(path, 'same'), 0o010600);
    lutimes(join(path, 'same'), 0n, 1_000_000_000n);
  }
  lutimes(join(right.path, 'fifo'), 0n, 2_000_000_000n);
  mkdirSync(join(left.path, 'real'));
  writeFileSync(join(left.path, 'real/x'), '');
  symlinkSync(canary, join(right.path, 'real'));
  const archive = await pack(left.mounts, right.mounts);
  expect(entriesOf(archive)).toMatchObject({
    directory: 'symlink',
    file: 'symlink',
    fifo: 'fifo',
    tty: 'char',
    real: 'symlink',
  });
  expect(Object.keys(entriesOf(archive)).sort()).toEqual(['directory', 'fifo', 'file', 'real', 'tty']);
  expect(archive.includes('host')).toBe(false);
});

test('what a socket or a node of overlayfs replaced is gone', async () => {
  const [left, right] = [await at.bind(), await at.bind()];
  for (const name of ['a', 'b', 'c']) writeFileSync(join(left.path, name), name);
  mknod(join(right.path, 'a'), 0o140600);
  mknod(join(right.path, 'b'), 0o020600, 0);
  renameSync(join(left.path, 'c'), join(right.path, 'c'));
  expect(entriesOf(await pack(left.mounts, right.mounts))).toEqual({
    '.wh.a': 'file',
    '.wh.b': 'file',
    c: 'file',
  });
});

test('a name that a layer would take for a removal is refused', async () => {
  const { path, mounts } = await at.bind();
  writeFileSync(join(path, '.wh.etc'), '');
  await expect(pack([], mounts)).rejects.toMatchObject({
    kind: 'failed_precondition',
    message: expect.stringContaining('.wh.etc'),
  });
});

test('paths of any depth and names of any bytes', async () => {
  const { path, mounts } = await at.bind();
  // Longer than any path that the kernel takes: somebody went there step by step.
  const walk = 'for (1 .. 4096) { mkdir "d"; chdir "d" or die } open(F, ">", "f") or die';
  execFileSync('perl', ['-e', walk], { cwd: path });
  writeFileSync(place(path, '\x01\n\x7f\xff\\"'), '');
  let entries: Record<string, string>;
  try {
    entries = entriesOf(await pack([], mounts));
  } finally {
    execFileSync('rm', ['-rf', join(path, 'd')]);
  }
  expect(entries[`${'d/'.repeat(4096)}f`]).toBe('file');
  expect(entries['\x01\n\x7f\xff\\"']).toBe('file');
  expect(Object.keys(entries)).toHaveLength(4096 + 2);
}, 120_000);

test.each<[string, (file: string) => void]>([
  ['shrinks', (file) => truncateSync(file, 1000)],
  ['grows', (file) => appendFileSync(file, 'more')],
])('a file that %s while it is read is refused', async (_, change) => {
  const { path, mounts } = await at.bind();
  const file = join(path, 'file');
  writeFileSync(file, Buffer.alloc(32 << 20));
  let isDone = false;
  const onPiece = () => {
    if (!isDone) change(file);
    isDone = true;
  };
  await expect(pack([], mounts, { onPiece })).rejects.toMatchObject({
    kind: 'failed_precondition',
    message: expect.stringMatching(/"file".*changed/),
  });
});

test('directories and files that become links and FIFOs meanwhile show nothing of the outside', async () => {
  const canary = await at.directory('aside');
  await makeCanary(canary);
  const { path, mounts } = await at.bind();
  for (let i = 0; i < 40; i++) {
    mkdirSync(join(path, `d${i}/etc`), { recursive: true });
    writeFileSync(join(path, `d${i}/etc/passwd`), 'inside');
    writeFileSync(join(path, `d${i}/big`), Buffer.alloc(300_000));
    writeFileSync(join(path, `f${i}`), Buffer.alloc(300_000));
  }
  let step = 0;
  const onPiece = () => {
    const i = (step++ * 7) % 40;
    rmSync(join(path, `d${i}`), { recursive: true, force: true });
    rmSync(join(path, `f${i}`), { force: true });
    symlinkSync(canary, join(path, `d${i}`));
    mknod(join(path, `f${i}`), 0o010600);
  };
  for (let round = 0; round < 3; round++) {
    try {
      expect((await pack([], mounts, { onPiece })).includes('host')).toBe(false);
    } catch (e) {
      expect(e).toMatchObject({ kind: 'failed_precondition', message: expect.stringContaining('changed') });
    }
  }
  expect(readdirSync(canary)).toEqual(['etc']);
}, 60_000);

test('what overlayfs keeps elsewhere is found by comparing, and its own notes are in no layer', async () => {
  const lower = await at.bind();
  mkdirSync(join(lower.path, 'old'));
  for (const name of ['old/a', 'old/b', 'large']) writeFileSync(join(lower.path, name), name);
  const overlay = await at.overlay(lower.path);
  const [{ options, ...mount }] = overlay.mounts as [Mount];
  const moving = [{ ...mount, options: [...options, 'redirect_dir=on', 'metacopy=on'] }];
  await at.see(moving, async (path) => {
    renameSync(join(path, 'old'), join(path, 'new'));
    chmodSync(join(path, 'large'), 0o600);
    setXattr(join(path, 'large'), 'user.overlay.opaque', Buffer.from('y'));
    setXattr(join(path, 'large'), 'user.mine', Buffer.from('y'));
  });
  const archive = await pack(view(lower.path), moving);
  expect(entriesOf(archive)).toEqual({
    '.wh.old': 'file',
    large: 'file',
    'new/': 'directory',
    'new/a': 'file',
    'new/b': 'file',
  });
  expect(archive.includes('overlay.')).toBe(false);
  expect(archive.includes('user.mine')).toBe(true);
  expect(archive.equals(await pack(view(lower.path), moving, { comparesAll: true }))).toBe(true);
});

test('links between files of lower layers hold together where overlayfs keeps an index', async () => {
  const lower = await at.bind();
  writeFileSync(join(lower.path, 'a'), 'old');
  execFileSync('ln', ['a', 'b'], { cwd: lower.path });
  const overlay = await at.overlay(lower.path);
  const [{ options, ...mount }] = overlay.mounts as [Mount];
  const indexed = [{ ...mount, options: [...options, 'index=on'] }];
  await at.see(indexed, async (path) => appendFileSync(join(path, 'a'), 'er'));
  expect(entriesOf(await pack(view(lower.path), indexed))).toEqual({ a: 'file', b: 'hardlink' });
});

test('only an overlay over just what is on the left is taken at its word', async () => {
  const [one, two] = [await at.bind(), await at.bind()];
  writeFileSync(join(one.path, 'one'), '1');
  writeFileSync(join(two.path, 'two'), '2');
  const overlay = await at.overlay(two.path, one.path);
  writeFileSync(join(overlay.upper, 'new'), 'n');
  const names = async (left: Mount[]) => Object.keys(entriesOf(await pack(left, overlay.mounts)));
  expect(await names(overlayOf(two.path, one.path))).toEqual(['new']);
  expect(await names(view(one.path))).toEqual(['new', 'two']);
  expect(await names(overlayOf(one.path, two.path))).toEqual(['new']);
  expect(await names([])).toEqual(['new', 'one', 'two']);
});

test('an overlay with nothing below is what is in its upper directory', async () => {
  const [{ path }, below] = [await at.bind(), await at.bind()];
  writeFileSync(join(path, 'new'), '');
  mknod(join(path, 'gone'), 0o020000, 0);
  writeFileSync(join(below.path, 'old'), '');
  const options = [`workdir=${await at.directory('lone-work')}`, `upperdir=${path}`];
  const lone: Mount[] = [{ type: 'overlay', source: 'overlay', options }];
  expect(entriesOf(await pack([], lone))).toEqual({ new: 'file' });
  expect(entriesOf(await pack([], lone, { comparesAll: true }))).toEqual({ new: 'file' });
  expect(entriesOf(await pack(below.mounts, lone))).toEqual({ new: 'file', '.wh.old': 'file' });
});

test('the upper directory is read while a task has the overlay mounted, and is not changed', async () => {
  const lower = await at.bind();
  mkdirSync(join(lower.path, 'd:e\\f'));
  const overlay = await at.overlay(lower.path);
  await at.see(overlay.mounts, async (path) => {
    writeFileSync(join(path, 'd:e\\f', 'x'), '1');
    for (const comparesAll of [false, true]) {
      expect(entriesOf(await pack(view(lower.path), overlay.mounts, { comparesAll }))).toEqual({
        'd:e\\f/': 'directory',
        'd:e\\f/x': 'file',
      });
    }
    writeFileSync(join(path, 'still'), 'writable');
  });
});
