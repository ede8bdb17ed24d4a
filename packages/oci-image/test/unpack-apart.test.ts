import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { type Descriptor, type Digest, Fault, hostPlatform, LABEL, type Mount } from '@stowage/core';
import { type Differ, NEEDS_BELOW } from '@stowage/diff';
import { Mounter } from '@stowage/linux/mounter';
import {
  buildImage,
  chainIds,
  chooseManifest,
  type LayerFile,
  readConfig,
  type UnpackOptions,
  unpackImage,
} from '../src/index.ts';
import { type House, openHouse, snapshotterName } from './support/house.ts';

const directory = (path: string): LayerFile => ({ path, directory: true });
const layers: LayerFile[][] = [
  [directory('etc'), { path: 'etc/old', data: 'old' }, { path: 'etc/kept', data: 'kept' }, directory('var')],
  [directory('etc'), { path: 'etc/.wh.old', data: '' }, { path: 'etc/new', data: '1' }],
  [directory('etc'), { path: 'etc/new', data: '2' }, { path: 'var/.wh..wh..opq', data: '' }],
  [directory('opt'), { path: 'opt/tool', data: 'tool' }],
];

async function built(house: House, of: readonly (readonly LayerFile[])[]) {
  const target = await buildImage(house.content, { layers: of.map((layer) => [...layer]) });
  const { manifest } = await chooseManifest(house.content, target, hostPlatform());
  const { diffIds } = await readConfig(house.content, manifest.config);
  return { manifest, chain: chainIds(diffIds) };
}

function unpackOf(house: House, manifest: UnpackOptions['manifest'], more: Partial<UnpackOptions> = {}) {
  const { content, snapshotter, differ } = house;
  return unpackImage({ content, snapshotter, snapshotterName, differ, manifest, concurrency: 4, ...more });
}

async function see<T>(
  house: House,
  chainId: Digest | undefined,
  look: (root: string) => Promise<T>,
): Promise<T> {
  await using mounter = new Mounter();
  return await mounter.withMount(await house.snapshotter.view(`look ${Math.random()}`, chainId ?? ''), look);
}

/** What it was asked to apply to, and a say in what happens before. */
function watched(
  differ: Differ,
  before: (layer: Descriptor, mounts: readonly Mount[]) => Promise<void>,
): Differ {
  return {
    ...differ,
    async apply(layer, mounts, options) {
      await before(layer, mounts);
      return differ.apply(layer, mounts, options);
    },
  };
}

test('layers are unpacked at the same time, and the image is as it must be', async () => {
  await using house = await openHouse(true);
  const { manifest, chain } = await built(house, layers);
  // Each waits until all are there.
  let waiting = 0;
  const all = Promise.withResolvers<void>();
  const differ = watched(house.differ, async () => {
    if (++waiting === layers.length) all.resolve();
    await all.promise;
  });
  const { chainId } = await unpackOf(house, manifest, { differ });
  expect(chainId).toBe(chain[3]);
  expect(await house.names()).toEqual([...chain].sort());
  for (const [i, name] of chain.entries()) {
    const info = await house.snapshotter.stat(name);
    expect([info.parent, info.kind, info.labels[LABEL.snapshotRef]]).toEqual([
      chain[i - 1] ?? '',
      'committed',
      name,
    ]);
  }
  await see(house, chainId, async (root) => {
    expect((await readdir(root)).sort()).toEqual(['etc', 'opt', 'var']);
    expect((await readdir(join(root, 'etc'))).sort()).toEqual(['kept', 'new']);
    expect(await readFile(join(root, 'etc/new'), 'utf8')).toBe('2');
  });
  const { labels } = await house.content.info(manifest.config.digest);
  expect(labels[`${LABEL.gcRefSnapshot}.${snapshotterName}`]).toBe(chainId);
});

test.each([
  [
    'says that it needs those below',
    async (applied: Descriptor) => ({ ...applied, annotations: { [NEEDS_BELOW]: 'true' } }),
  ],
  [
    'cannot do without them',
    () => Promise.reject(new Fault('failed_precondition', 'it links to "x" of them')),
  ],
])('a layer that %s is unpacked again, on them', async (_, outcome) => {
  await using house = await openHouse(true);
  const { manifest, chain } = await built(house, layers);
  const asked: string[] = [];
  const differ: Differ = {
    ...house.differ,
    async apply(layer, mounts, options) {
      const i = manifest.layers.findIndex(({ digest }) => digest === layer.digest);
      const isOn = mounts[0]?.options.some((option) => option.startsWith('lowerdir=')) === true;
      asked.push(`${i} ${isOn ? 'on those below' : 'apart'}`);
      const applied = await house.differ.apply(layer, mounts, options);
      return i === 1 && !isOn ? outcome(applied) : applied;
    },
  };
  await unpackOf(house, manifest, { differ });
  expect(asked.sort()).toEqual(['0 apart', '1 apart', '1 on those below', '2 apart', '3 apart']);
  expect(await house.names()).toEqual([...chain].sort());
  await see(house, chain[3], async (root) => {
    expect((await readdir(join(root, 'etc'))).sort()).toEqual(['kept', 'new']);
  });
});

test('what is there is not unpacked, and two that unpack the same image at once both succeed', async () => {
  await using house = await openHouse(true);
  const { manifest, chain } = await built(house, layers);
  await Promise.all([unpackOf(house, manifest), unpackOf(house, manifest)]);
  expect(await house.names()).toEqual([...chain].sort());
  const never = watched(house.differ, () => Promise.reject(new Error('applied')));
  await unpackOf(house, manifest, { differ: never });
});

test('after a failure nothing is left but what was done by then', async () => {
  await using house = await openHouse(true);
  const { manifest, chain } = await built(house, layers);
  const gate = Promise.withResolvers<void>();
  const differ = watched(house.differ, async ({ digest }) => {
    if (digest === manifest.layers[2]?.digest) throw new Error('broken');
    if (digest === manifest.layers[3]?.digest) await gate.promise;
  });
  const unpacking = unpackOf(house, manifest, { differ });
  setTimeout(gate.resolve, 200);
  await expect(unpacking).rejects.toThrow('broken');
  const left = await house.names();
  expect(left.every((name) => chain.slice(0, 2).includes(name as Digest))).toBe(true);
  expect((await unpackOf(house, manifest)).chainId).toBe(chain[3]);
});

test('giving up rejects with the reason, and leaves no active snapshot', async () => {
  await using house = await openHouse(true);
  const { manifest } = await built(house, layers);
  const stop = new AbortController();
  const reason = new Error('enough');
  const differ = watched(house.differ, async () => stop.abort(reason));
  await expect(unpackOf(house, manifest, { differ, signal: stop.signal })).rejects.toBe(reason);
  for await (const { kind } of house.snapshotter.list()) expect(kind).toBe('committed');
});

test('a snapshotter without rebase refuses, and nothing is left', async () => {
  await using house = await openHouse();
  const { manifest } = await built(house, layers);
  await expect(unpackOf(house, manifest)).rejects.toMatchObject({ kind: 'unimplemented' });
  for await (const { kind } of house.snapshotter.list()) expect(kind).toBe('committed');
});
