import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import {
  type Descriptor,
  type Digest,
  digestOf,
  Fault,
  hostPlatform,
  LABEL,
  MEDIA_TYPE,
} from '@stowage/core';
import type { Differ } from '@stowage/diff';
import type { Snapshotter } from '@stowage/snapshots';
import {
  buildImage,
  chainIds,
  chooseManifest,
  type Fetcher,
  kindOf,
  type LayerFile,
  type Progress,
  pullImage,
  readConfig,
  type UnpackOptions,
  unpackImage,
} from '../src/index.ts';
import { type House, openHouse, snapshotterName } from './support/house.ts';

const base: LayerFile[] = [
  { path: 'bin/tool', data: 'tool', mode: 0o755 },
  { path: 'etc/old', data: 'old' },
];
const above: LayerFile[] = [
  { path: 'etc/.wh.old', data: '' },
  { path: 'etc/new', data: 'new', uid: 7, gid: 8 },
];

async function built(house: House, layers = [base, above]) {
  const target = await buildImage(house.content, { layers });
  const { descriptor, manifest } = await chooseManifest(house.content, target, hostPlatform());
  const { diffIds } = await readConfig(house.content, manifest.config);
  return { target, descriptor, manifest, diffIds, chain: chainIds(diffIds) };
}

const unpackOf = (house: House, manifest: UnpackOptions['manifest'], more: Partial<UnpackOptions> = {}) =>
  unpackImage({
    content: house.content,
    snapshotter: house.snapshotter,
    snapshotterName,
    differ: house.differ,
    manifest,
    ...more,
  });

async function filesOf(house: House, chainId: Digest): Promise<string> {
  const [mount] = await house.snapshotter.view(`look ${Math.random()}`, chainId);
  return mount?.source ?? '';
}

test('layers become snapshots, one on the other, and labels keep them', async () => {
  await using house = await openHouse();
  const { manifest, diffIds, chain } = await built(house);
  const seen: string[] = [];
  const onProgress = ({ stage, state }: Progress) => void seen.push(`${stage} ${state}`);
  const unpacked = await unpackOf(house, manifest, { onProgress });
  expect(unpacked.chainId).toBe(chain[1]);
  expect(await house.names()).toEqual([...chain].sort());
  expect((await house.snapshotter.stat(chain[1] ?? '')).parent).toBe(chain[0]);
  expect((await house.snapshotter.stat(chain[0] ?? '')).labels).toMatchObject({
    [LABEL.snapshotRef]: chain[0],
    'containerd.io/snapshot/diff-id': diffIds[0],
  });
  const root = await filesOf(house, chain[1] ?? ('' as Digest));
  expect(await readFile(join(root, 'bin/tool'), 'utf8')).toBe('tool');
  expect(await readFile(join(root, 'etc/new'), 'utf8')).toBe('new');
  await expect(readFile(join(root, 'etc/old'))).rejects.toMatchObject({ code: 'ENOENT' });
  const { labels } = await house.content.info(manifest.config.digest);
  expect(labels[`${LABEL.gcRefSnapshot}.${snapshotterName}`]).toBe(chain[1]);
  for (const [i, { digest }] of manifest.layers.entries()) {
    expect((await house.content.info(digest)).labels[LABEL.uncompressed]).toBe(diffIds[i]);
  }
  expect(new Set(seen)).toEqual(new Set(['unpack running', 'unpack done']));
});

test('an image and what keeps it outlive a collection; a second unpack does nothing', async () => {
  await using house = await openHouse();
  const { target, manifest, chain } = await built(house);
  await house.images.create({ name: 'x', target, labels: {} });
  await unpackOf(house, manifest);
  await house.metadata.collect();
  expect(await house.names()).toEqual([...chain].sort());
  const never: Differ = {
    apply: () => Promise.reject(new Error('applied')),
    diff: () => Promise.reject(new Error('compared')),
  };
  const states: string[] = [];
  await unpackOf(house, manifest, {
    differ: never,
    ready: () => Promise.reject(new Error('asked for')),
    onProgress: ({ state }) => void states.push(state),
  });
  expect(states).toEqual(['exists', 'exists']);
});

test('two images with a layer in common share its snapshot', async () => {
  await using house = await openHouse();
  const one = await built(house);
  const two = await built(house, [base, [{ path: 'other', data: 'x' }]]);
  await unpackOf(house, one.manifest);
  const asked: number[] = [];
  const ready = async (_: Descriptor, index: number) => void asked.push(index);
  await unpackOf(house, two.manifest, { ready });
  expect(asked).toEqual([1]);
  expect(await house.names()).toHaveLength(3);
});

test('two that unpack the same image at once both succeed', async () => {
  await using house = await openHouse();
  const { manifest, chain } = await built(house);
  const all = await Promise.all([
    unpackOf(house, manifest),
    unpackOf(house, manifest),
    unpackOf(house, manifest),
  ]);
  expect(new Set(all.map(({ chainId }) => chainId))).toEqual(new Set([chain[1]]));
  expect(await house.names()).toEqual([...chain].sort());
});

test('a snapshotter without the metadata service does as well', async () => {
  await using house = await openHouse();
  const { manifest, chain } = await built(house);
  const more = { snapshotter: house.bareSnapshotter };
  await unpackOf(house, manifest, more);
  const ready = () => Promise.reject(new Error('asked for'));
  expect((await unpackOf(house, manifest, { ...more, ready })).chainId).toBe(chain[1]);
});

test('a layer that is not what the config says is refused, and no snapshot of it stays', async () => {
  await using house = await openHouse();
  const { manifest } = await built(house);
  const { manifest: other } = await built(house, [base, [{ path: 'evil', data: 'x' }]]);
  const [first] = manifest.layers;
  const [, second] = other.layers;
  if (first === undefined || second === undefined) throw new Error('no layers');
  const failed = unpackOf(house, { ...manifest, layers: [first, second] });
  await expect(failed).rejects.toMatchObject({
    kind: 'failed_precondition',
    message: expect.stringContaining(second.digest),
  });
  expect(await house.names()).toHaveLength(1);
  expect((await house.content.info(manifest.config.digest)).labels).toEqual({});
});

test('a config with another number of layers is refused before anything is made', async () => {
  await using house = await openHouse();
  const { manifest } = await built(house);
  const failed = unpackOf(house, { ...manifest, layers: manifest.layers.slice(1) });
  await expect(failed).rejects.toMatchObject({ kind: 'failed_precondition' });
  expect(await house.names()).toEqual([]);
});

test('an image without layers has no snapshot', async () => {
  await using house = await openHouse();
  const { manifest } = await built(house, []);
  expect((await unpackOf(house, manifest)).chainId).toBeUndefined();
  expect((await house.content.info(manifest.config.digest)).labels).toEqual({});
});

test('a missing layer is not_found, and no snapshot of it stays', async () => {
  await using house = await openHouse();
  const { manifest } = await built(house);
  await house.content.delete(manifest.layers[1]?.digest ?? ('' as Digest));
  await expect(unpackOf(house, manifest)).rejects.toMatchObject({ kind: 'not_found' });
  expect(await house.names()).toHaveLength(1);
});

test('aborting while a layer is applied rejects with the reason and leaves no snapshot of it', async () => {
  await using house = await openHouse();
  const { manifest } = await built(house);
  const stop = new AbortController();
  const reason = new Error('enough');
  const ready = async (_: Descriptor, index: number) => {
    if (index === 1) stop.abort(reason);
  };
  await expect(unpackOf(house, manifest, { ready, signal: stop.signal })).rejects.toBe(reason);
  expect(await house.names()).toHaveLength(1);
});

test('annotations of a layer never become labels of its snapshot', async () => {
  await using house = await openHouse();
  const { manifest } = await built(house, [base]);
  const annotations = { 'containerd.io/snapshot/uidmapping': '0:0:1', 'containerd.io/gc.root': 'x' };
  const hostile = { ...manifest, layers: manifest.layers.map((layer) => ({ ...layer, annotations })) };
  const { chainId } = await unpackOf(house, hostile);
  const { labels } = await house.snapshotter.stat(chainId ?? '');
  for (const key of Object.keys(annotations)) expect(labels).not.toHaveProperty(key);
});

test('a snapshot that is said to exist and does not is tried again, but not for ever', async () => {
  await using house = await openHouse();
  const { manifest } = await built(house, [base]);
  const real = house.snapshotter;
  let tries = 0;
  const forgetful = (times: number): Snapshotter => ({
    ...bound(real),
    prepare: (key, parent, options) => {
      if (tries++ < times) return Promise.reject(new Fault('already_exists', 'so they say'));
      return real.prepare(key, parent, options);
    },
  });
  await expect(unpackOf(house, manifest, { snapshotter: forgetful(9) })).rejects.toMatchObject({
    kind: 'already_exists',
  });
  expect(tries).toBe(3);
  tries = 0;
  expect((await unpackOf(house, manifest, { snapshotter: forgetful(2) })).chainId).toBeDefined();
});

function bound(s: Snapshotter): Snapshotter {
  return {
    stat: s.stat.bind(s),
    update: s.update.bind(s),
    usage: s.usage.bind(s),
    mounts: s.mounts.bind(s),
    prepare: s.prepare.bind(s),
    view: s.view.bind(s),
    commit: s.commit.bind(s),
    remove: s.remove.bind(s),
    list: s.list.bind(s),
    cleanup: s.cleanup.bind(s),
  };
}

const fetcherOf = (house: House): Fetcher & { readonly asked: string[] } => {
  const asked: string[] = [];
  return {
    asked,
    async *fetch(_, { digest, mediaType }, { offset = 0n, signal } = {}) {
      asked.push(kindOf(mediaType));
      yield* house.content.read(digest, { offset }, { signal });
    },
  };
};

test('a pull unpacks one layer while others are coming, and brings none whose snapshot is here', async () => {
  await using remote = await openHouse();
  await using house = await openHouse();
  const many = [0, 1, 2, 3].map((n) => [{ path: `f${n}`, data: `${n}` }]);
  const { target, manifest, chain } = await built(remote, [base, ...many]);
  const unpacked = Promise.withResolvers<void>();
  const whole = fetcherOf(remote);
  const holding: Fetcher = {
    async *fetch(name, descriptor, options) {
      // The last layer comes only after the first was unpacked.
      if (descriptor.digest === manifest.layers.at(-1)?.digest) await unpacked.promise;
      yield* whole.fetch(name, descriptor, options);
    },
  };
  const { content, snapshotter, differ } = house;
  const unpack = { snapshotter, snapshotterName, differ };
  const options = { content, name: 'localhost/x:1', descriptor: target, concurrency: 2, unpack };
  const onProgress = ({ stage, state }: Progress) => {
    if (stage === 'unpack' && state === 'done') unpacked.resolve();
  };
  const pulled = await pullImage({ ...options, fetcher: holding, onProgress });
  expect(pulled.unpacked.chainId).toBe(chain.at(-1));
  expect(await house.names()).toEqual([...chain].sort());

  for (const { digest } of manifest.layers) await house.content.delete(digest);
  const again = fetcherOf(remote);
  await pullImage({ ...options, fetcher: again });
  expect(again.asked).toEqual([]);
});

test('a pull whose fetch fails leaves no half-made snapshot and nothing running', async () => {
  await using remote = await openHouse();
  await using house = await openHouse();
  const { target, manifest } = await built(remote, [base, above, [{ path: 'z', data: 'z' }]]);
  const whole = fetcherOf(remote);
  const failing: Fetcher = {
    async *fetch(name, descriptor, options) {
      if (descriptor.digest === manifest.layers[1]?.digest)
        throw new Fault('permission_denied', 'not this one');
      yield* whole.fetch(name, descriptor, options);
    },
  };
  const { content, snapshotter, differ } = house;
  const pulled = pullImage({
    fetcher: failing,
    content,
    name: 'localhost/x:1',
    descriptor: target,
    unpack: { snapshotter, snapshotterName, differ },
  });
  await expect(pulled).rejects.toMatchObject({ kind: 'permission_denied' });
  expect((await house.names()).filter((name) => name.startsWith('extract-'))).toEqual([]);
});

test('a descriptor that is no image is told from one', async () => {
  await using house = await openHouse();
  const absent = { mediaType: MEDIA_TYPE.ociIndex, digest: digestOf('absent'), size: 5n };
  await expect(chooseManifest(house.content, absent, hostPlatform())).rejects.toMatchObject({
    kind: 'not_found',
  });
});
