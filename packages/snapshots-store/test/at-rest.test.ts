import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { DirectorySnapshotter, type LayerDriver, snapshotsAtRest } from '../src/index.ts';

let root: string;
let work: string;
beforeEach(async () => {
  const dir = await mkdtemp(join(tmpdir(), 'snapshots-store-'));
  [root, work] = [join(dir, 'root'), join(dir, 'work')];
});
afterEach(() => rm(join(root, '..'), { recursive: true, force: true }));

const driver: LayerDriver = {
  make: (directory) => writeFile(join(directory, 'file'), 'bytes'),
  mounts: () => [],
  usage: async () => ({ sizeBytes: 0n, inodes: 0n }),
  sync: async () => undefined,
  remove: (directory) => rm(directory, { recursive: true }),
  async [Symbol.asyncDispose]() {},
};

async function fill(): Promise<void> {
  await using snapshotter = await DirectorySnapshotter.open(root, driver);
  await snapshotter.prepare('a', '');
  await snapshotter.commit('base', 'a');
  await snapshotter.prepare('top', 'base');
}

test('a root that nobody has open is listed, and compared with its directories; nothing in it changes', async () => {
  await fill();
  await rm(join(root, 'snapshots/2'), { recursive: true });
  await mkdir(join(root, 'snapshots/77'));
  const before = (await readdir(root, { recursive: true })).sort();
  await using found = await snapshotsAtRest(root, work);
  if (found === undefined) throw new Error('it is there');
  expect(await Array.fromAsync(found.store.list(), ({ info }) => info.name)).toEqual(['base', 'top']);
  expect(found.missing.map(({ info }) => info.name)).toEqual(['top']);
  expect(found.orphans).toEqual([join(root, 'snapshots/77')]);
  expect((await readdir(root, { recursive: true })).sort()).toEqual(before);
});

test('a root that was never used has nothing', async () => {
  expect(await snapshotsAtRest(root, work)).toBeUndefined();
  await mkdir(join(root, 'snapshots'), { recursive: true });
  expect(await snapshotsAtRest(root, work)).toBeUndefined();
});

test('without its index a snapshotter refuses to open, instead of deleting all snapshots', async () => {
  await fill();
  await rm(join(root, 'metadata'), { recursive: true });
  for (const open of [() => DirectorySnapshotter.open(root, driver), () => snapshotsAtRest(root, work)])
    await expect(open()).rejects.toMatchObject({
      kind: 'data_loss',
      message: expect.stringContaining('metadata/mark'),
    });
  expect((await readdir(join(root, 'snapshots'))).sort()).toEqual(['1', '2']);
});
