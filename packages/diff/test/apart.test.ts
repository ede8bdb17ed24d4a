import { readdir, readFile, rename, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type Digest, digestOf } from '@stowage/core';
import { Packer, ProcessPacker, ProcessUnpacker } from '../src/walking.ts';
import { dir, file, symlink as linkTo, tar } from './tar-writer.ts';
import { portrait } from './tree.ts';
import { pieces, Workspace } from './workspace.ts';

let at: Workspace;
let unpacker: ProcessUnpacker;
let packer: ProcessPacker;
const stack = new AsyncDisposableStack();
beforeAll(async () => {
  at = stack.use(await Workspace.open());
  unpacker = stack.use(await ProcessUnpacker.open({ jail: join(at.root, 'jail') }));
  packer = stack.use(await ProcessPacker.open({ directory: join(at.root, 'views') }));
});
afterAll(async () => {
  await stack.disposeAsync();
});

/** Of this process, which may have others too. */
async function children(): Promise<string[]> {
  const tasks = await readdir('/proc/self/task');
  const lists = tasks.map((task) => readFile(`/proc/self/task/${task}/children`, 'utf8').catch(() => ''));
  const pids = (await Promise.all(lists)).flatMap((list) => list.split(' ').filter(Boolean));
  const commands = pids.map((pid) => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => ''));
  return (await Promise.all(commands)).filter((command) => command.includes('diff-layer-main'));
}

const archive = tar(
  dir('d'),
  ...Array.from({ length: 500 }, (_, i) => file(`d/${i}`, `${i}`.repeat(i * 7))),
  file('hello', 'world'),
);

test('a child unpacks what a thread would, and is gone then', async () => {
  const [own, other] = [await at.bind(), await at.bind()];
  const thread = await at.apply(own.mounts, archive);
  expect(await unpacker.unpack(other.mounts, () => pieces(archive), { syncFs: true })).toEqual(thread);
  expect(thread.digest).toBe(digestOf(archive));
  expect(portrait(other.path)).toEqual(portrait(own.path));
  expect(await children()).toEqual([]);
});

async function packed(
  by: Packer | ProcessPacker,
  left: string,
  right: string,
): Promise<{ told: Digest; digest: Digest }> {
  const bind = (source: string) => [{ type: 'bind', source, options: ['rbind', 'rw'] }];
  let bytes: Uint8Array[] = [];
  const sink = async (archive: AsyncIterable<Uint8Array>) => {
    bytes = await Array.fromAsync(archive);
  };
  const { digest: told } = await by.pack(bind(left), bind(right), sink);
  return { told, digest: digestOf(Buffer.concat(bytes)) };
}

test('a child packs what a thread would', async () => {
  const [before, after] = [await at.bind(), await at.bind()];
  await at.apply(after.mounts, archive);
  await writeFile(join(before.path, 'gone'), '');
  await using thread = await Packer.open({ directory: join(at.root, 'views') });
  const own = await packed(thread, before.path, after.path);
  const other = await packed(packer, before.path, after.path);
  expect(own.told).toBe(own.digest);
  expect(other).toEqual(own);
  expect(await children()).toEqual([]);
});

test('an upper directory that refers elsewhere is compared by another child', async () => {
  const base = await at.bind();
  await at.apply(base.mounts, archive);
  const { mounts } = await at.overlay(base.path);
  const options = [...(mounts[0]?.options ?? []), 'redirect_dir=on', 'index=off'];
  const moving = [{ type: 'overlay', source: 'overlay', options }];
  await at.see(moving, async (path) => {
    await rename(join(path, 'd'), join(path, 'moved'));
  });
  const lower = [{ type: 'bind', source: base.path, options: ['rbind', 'ro'] }];
  let pieces: Uint8Array[] = [];
  let archives = 0;
  const sink = async (bytes: AsyncIterable<Uint8Array>) => {
    archives++;
    pieces = await Array.fromAsync(bytes);
  };
  const { digest } = await packer.pack(lower, mounts, sink);
  expect(digestOf(Buffer.concat(pieces))).toBe(digest);
  expect(archives).toBe(2);
  expect(Buffer.concat(pieces).toString('latin1')).toContain('moved/499');
});

test('what an archive is refused for is told as by a thread', async () => {
  const { mounts } = await at.bind();
  const bad = Buffer.from(archive);
  bad.fill(0xff, 512, 700);
  const own = await at.apply(mounts, bad).catch((e: unknown) => e);
  const other = await unpacker.unpack(mounts, () => pieces(bad)).catch((e: unknown) => e);
  expect(own).toMatchObject({ kind: 'invalid_argument' });
  expect(other).toMatchObject({ kind: 'invalid_argument', message: (own as Error).message });
});

test('a link in a layer leads nowhere outside', async () => {
  const { path, mounts } = await at.bind();
  const outside = await at.directory('outside');
  await symlink(outside, join(path, 'there'));
  const layer = tar(linkTo(outside, 'way'), file('way/file', 'x'), file('there/file', 'y'));
  await unpacker.unpack(mounts, () => pieces(layer));
  expect(await readdir(outside)).toEqual([]);
});

test('given up midway the child is gone', async () => {
  const { path, mounts } = await at.bind();
  const stop = new AbortController();
  const { promise: begun, resolve } = Promise.withResolvers<void>();
  const stalling = async function* (signal: AbortSignal) {
    yield archive.subarray(0, 100_000);
    resolve();
    await delay(60_000, undefined, { signal });
  };
  const busy = unpacker.unpack(mounts, stalling, { signal: stop.signal });
  await begun;
  while (!(await readdir(path)).includes('d')) await delay(10);
  const reason = new Error('given up');
  stop.abort(reason);
  await expect(busy).rejects.toBe(reason);
  expect(await children()).toEqual([]);
});

test('a source that fails is told as it failed', async () => {
  const { mounts } = await at.bind();
  const failing = async function* () {
    yield archive.subarray(0, 100_000);
    throw new Error('the disk is gone');
  };
  await expect(unpacker.unpack(mounts, failing)).rejects.toThrow('the disk is gone');
  expect(await children()).toEqual([]);
});
