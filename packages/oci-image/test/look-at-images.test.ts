import { expect, test } from '@jest/globals';
import { type Descriptor, digestOf, type Labels, type Platform } from '@stowage/core';
import type { Image } from '@stowage/images';
import {
  buildImage,
  checkImage,
  chooseManifest,
  type ImageUser,
  imageUsage,
  type PruneOptions,
  pruneImages,
  unpackImage,
} from '../src/index.ts';
import { writeBytes } from '../src/write-json.ts';
import { type House, openHouse, snapshotterName } from './support/house.ts';

const AMD = { os: 'linux', architecture: 'amd64' } as const;
const ARM = { os: 'linux', architecture: 'arm64' } as const;

const plain = ({ size, ...rest }: Descriptor) => ({ ...rest, size: Number(size) });

function imageFor(house: House, platform: Platform, text: string): Promise<Descriptor> {
  const layers = [[{ path: 'base', data: 'base'.repeat(1000) }], [{ path: 'own', data: text.repeat(2000) }]];
  return buildImage(house.content, { platform, layers, compression: 'none' });
}

async function indexOf(house: House): Promise<Descriptor> {
  const manifests = [];
  for (const platform of [AMD, ARM]) {
    const target = await imageFor(house, platform, platform.architecture);
    manifests.push({ ...(await chooseManifest(house.content, target, platform)).descriptor, platform });
  }
  const mediaType = 'application/vnd.oci.image.index.v1+json';
  const bytes = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType, manifests: manifests.map(plain) }));
  return writeBytes(house.content, mediaType, bytes, manifests);
}

async function unpacked(
  { content, snapshotter, differ }: House,
  target: Descriptor,
  platform: Platform = AMD,
) {
  const { manifest } = await chooseManifest(content, target, platform);
  return unpackImage({ content, snapshotter, snapshotterName, differ, manifest });
}

test('it is told of which platforms all is here, what is missing, and where it is unpacked', async () => {
  await using house = await openHouse();
  const { content } = house;
  const target = await indexOf(house);
  await unpacked(house, target);
  const snapshotters = new Map([[snapshotterName, house.snapshotter]]);
  const check = async () => {
    const found = await Array.fromAsync(checkImage(content, target, { snapshotters }));
    return found.map(({ platform, state, present, missing, unpackedIn }) => ({
      of: platform?.architecture,
      state,
      counts: [present.length, missing.length],
      unpackedIn,
    }));
  };
  const amd = { of: 'amd64', state: 'complete', counts: [4, 0], unpackedIn: [snapshotterName] };
  expect(await check()).toEqual([amd, { of: 'arm64', state: 'complete', counts: [4, 0], unpackedIn: [] }]);

  const { descriptor, manifest } = await chooseManifest(content, target, ARM);
  const own = manifest.layers[1];
  await content.delete(own?.digest ?? target.digest);
  const [, arm] = await Array.fromAsync(checkImage(content, target));
  expect(arm).toMatchObject({ state: 'incomplete', missing: [own] });
  await content.delete(manifest.config.digest);
  expect((await check())[1]).toMatchObject({ of: 'arm64', counts: [2, 2] });
  await content.delete(descriptor.digest);
  expect(await check()).toEqual([amd, { of: 'arm64', state: 'absent', counts: [0, 1], unpackedIn: [] }]);
  await content.delete(target.digest);
  expect(await check()).toEqual([{ of: undefined, state: 'absent', counts: [0, 1], unpackedIn: [] }]);
});

test('of images it is told what they take and what they share', async () => {
  await using house = await openHouse();
  const [a, b] = [await imageFor(house, AMD, 'a'), await imageFor(house, AMD, 'b')];
  await unpacked(house, a);
  const snapshotters = new Map([[snapshotterName, house.snapshotter]]);
  const usage = async (...images: { name: string; target: Descriptor }[]) =>
    new Map(
      (await Array.fromAsync(imageUsage(house.content, images, { snapshotters }))).map(
        ({ image, content, snapshots }) => [
          image.name,
          { content, snapshots: snapshots.get(snapshotterName) },
        ],
      ),
    );
  const { manifest } = await chooseManifest(house.content, a, AMD);
  const base = manifest.layers[0]?.size ?? 0n;
  const all = await usage({ name: 'a', target: a }, { name: 'b', target: b });
  const { descriptor } = await chooseManifest(house.content, a, AMD);
  const whole = [a, descriptor, manifest.config, ...manifest.layers].reduce(
    (sum, { size }) => sum + size,
    0n,
  );
  expect(all.get('a')?.content).toEqual({ sizeBytes: whole, sharedBytes: base });
  expect(all.get('b')?.content.sharedBytes).toBe(base);
  // Only one is unpacked, so its lower snapshot belongs to both, as the second would use it.
  const names = await house.names();
  let size = 0n;
  for (const name of names) size += (await house.snapshotter.usage(name)).sizeBytes;
  expect(all.get('a')?.snapshots?.sizeBytes).toBe(size);
  expect(all.get('b')?.snapshots?.sizeBytes).toBeLessThan(size);
  expect(all.get('b')?.snapshots?.sizeBytes).toBe(all.get('a')?.snapshots?.sharedBytes);

  const twice = await usage({ name: 'a', target: a }, { name: 'also-a', target: a });
  expect(twice.get('a')?.content).toEqual({ sizeBytes: whole, sharedBytes: whole });
  expect((await usage({ name: 'a', target: a })).get('a')?.content.sharedBytes).toBe(0n);
});

const target = (text: string): Descriptor => ({ mediaType: 'm', digest: digestOf(text), size: 7n });
const PINNED = { 'io.cri-containerd.pinned': 'pinned' };

async function pruned(
  house: House,
  images: Readonly<Record<string, readonly [string, Labels?]>>,
  containers: ImageUser[],
  options: Omit<PruneOptions, 'images' | 'containers'>,
): Promise<{ told: string[]; left: string[] }> {
  for await (const { name } of house.images.list()) await house.images.delete(name);
  for (const [name, [text, labels = {}]] of Object.entries(images))
    await house.images.create({ name, target: target(text), labels });
  const namesOf = (found: Image[]) => found.map(({ name }) => name).sort();
  async function* all() {
    yield* containers;
  }
  const pruning = pruneImages({ images: house.images, containers: all, ...options });
  const told = namesOf(await Array.fromAsync(pruning));
  return { told, left: namesOf(await Array.fromAsync(house.images.list())) };
}

test('of unused images all go that no container, label or pin needs', async () => {
  await using house = await openHouse();
  const images = {
    'r/used:1': ['used'],
    'r/used-by-another-name:1': ['used'],
    'r/unused:1': ['unused'],
    'r/pinned:1': ['pinned', PINNED],
    'r/not-pinned:1': ['not pinned', { 'io.cri-containerd.pinned': '' }],
    'r/named-by-container:1': ['c'],
    'r/named-by-image:1': ['i'],
    'r/names-an-image:1': ['n', { 'containerd.io/gc.ref.image/base': 'r/named-by-image:1' }],
    'r/by-digest:1': ['digest'],
    'r/names-itself:1': ['s', { 'containerd.io/gc.ref.image': 'r/names-itself:1' }],
  } as const;
  const containers = [
    { image: 'r/used:1', labels: {} },
    { image: '', labels: { 'containerd.io/gc.ref.image.x': 'r/named-by-container:1' } },
    { image: 'r/names-an-image:1', labels: { 'containerd.io/gc.ref.content.x': digestOf('digest') } },
    { image: 'gone', labels: { 'containerd.io/gc.ref.imagex': 'r/unused:1' } },
  ];
  const goes = ['r/names-itself:1', 'r/not-pinned:1', 'r/unused:1'];
  const dry = await pruned(house, images, containers, { which: 'unused', dryRun: true });
  expect(dry).toEqual({ told: goes, left: Object.keys(images).sort() });
  const { told, left } = await pruned(house, images, containers, { which: 'unused', sync: true });
  expect(told).toEqual(goes);
  expect(left).toEqual(
    Object.keys(images)
      .filter((name) => !goes.includes(name))
      .sort(),
  );
  const filters = ['name~=unused'];
  expect((await pruned(house, images, containers, { which: 'unused', filters })).told).toEqual([
    'r/unused:1',
  ]);
});

test('dangling are those named by a digest alone, unless their content has a tag as well', async () => {
  await using house = await openHouse();
  const [old, tagged] = [digestOf('old'), digestOf('tagged')];
  const images = {
    'localhost:5000/r:1': ['tagged'],
    [`localhost:5000/r@${tagged}`]: ['tagged'],
    [tagged]: ['tagged'],
    [`localhost:5000/r@${old}`]: ['old'],
    [old]: ['old'],
    [`r:2@${digestOf('both')}`]: ['both'],
    [`r@${digestOf('used')}`]: ['used'],
    anything: ['anything'],
  } as const;
  const containers = [{ image: `r@${digestOf('used')}`, labels: {} }];
  const { told } = await pruned(house, images, containers, { which: 'dangling' });
  expect(told).toEqual([`localhost:5000/r@${old}`, old].sort());
});

test('an image that is moved while others are pruned stays', async () => {
  await using house = await openHouse();
  await house.images.create({ name: 'r/moved:1', target: target('before'), labels: {} });
  async function* containers(): AsyncGenerator<ImageUser> {
    await house.images.update({ name: 'r/moved:1', target: target('after') }, ['target']);
    yield { image: 'r/another:1', labels: {} };
  }
  const told = await Array.fromAsync(pruneImages({ images: house.images, containers, which: 'unused' }));
  expect(told).toEqual([]);
  expect((await house.images.get('r/moved:1')).target.digest).toBe(digestOf('after'));
});
