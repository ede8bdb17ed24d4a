import { expect, test } from '@jest/globals';
import { LocalContentStore } from '@stowage/content-store';
import { type Descriptor, type Digest, digestOf, Fault, LABEL, MEDIA_TYPE } from '@stowage/core';
import { tempDir } from '@stowage/testing';
import {
  buildImage,
  chooseManifest,
  type Fetcher,
  fetchImage,
  fetchMetadata,
  type Progress,
  refOf,
} from '../src/index.ts';
import { Visits } from '../src/visits.ts';
import { bytesOf, type LabelledStore, labelledStore } from './support/store.ts';

const amd64 = { os: 'linux', architecture: 'amd64' } as const;
const arm64 = { os: 'linux', architecture: 'arm64' } as const;
const name = 'localhost:5000/some/where:v1';

interface Source extends Fetcher {
  readonly asked: string[];
}

/** Serves what another store has, and notes what was asked for. */
function serving(store: LabelledStore, chunkBytes = 64): Source {
  const asked: string[] = [];
  return {
    asked,
    async *fetch(_, { digest, mediaType }, { offset = 0n } = {}) {
      asked.push(`${refOf({ digest, mediaType })}${offset > 0n ? `+${offset}` : ''}`);
      for await (const chunk of store.read(digest, { offset })) {
        for (let at = 0; at < chunk.byteLength; at += chunkBytes) yield chunk.subarray(at, at + chunkBytes);
      }
    },
  };
}

async function document(store: LabelledStore, mediaType: string, value: unknown): Promise<Descriptor> {
  const bytes = Buffer.from(JSON.stringify(value));
  const digest = digestOf(bytes);
  try {
    await using writer = await store.writer({ ref: digest, expected: digest });
    await writer.write(bytes);
    await writer.commit();
  } catch (e) {
    if (!Fault.is(e, 'already_exists')) throw e;
  }
  return { mediaType, digest, size: BigInt(bytes.byteLength) };
}

const plain = ({ size, ...rest }: Descriptor) => ({ ...rest, size: Number(size) });

async function multiPlatform(store: LabelledStore): Promise<Descriptor> {
  const manifests = [];
  for (const platform of [amd64, arm64]) {
    const target = await buildImage(store, {
      platform,
      layers: [[{ path: 'arch', data: platform.architecture }], [{ path: 'both', data: 'same' }]],
    });
    manifests.push((await chooseManifest(store, target, platform)).descriptor);
  }
  const attestation = await document(store, MEDIA_TYPE.ociManifest, {
    schemaVersion: 2,
    config: plain(await document(store, MEDIA_TYPE.ociConfig, {})),
    layers: [],
  });
  const unknown = { ...attestation, platform: { os: 'unknown', architecture: 'unknown' } };
  const all = [...manifests, unknown].map(plain);
  return document(store, MEDIA_TYPE.ociIndex, { schemaVersion: 2, manifests: all });
}

test('one platform is fetched, labelled, and named by refs that clients know', async () => {
  await using remote = await labelledStore();
  await using content = await labelledStore();
  const descriptor = await multiPlatform(remote);
  const fetcher = serving(remote);
  const { manifests } = await fetchImage({ fetcher, content, name, descriptor, platforms: [arm64] });
  expect(manifests).toHaveLength(1);
  const { descriptor: chosen, manifest } = await chooseManifest(content, descriptor, arm64);
  expect(manifests[0]?.descriptor).toEqual(chosen);
  expect(fetcher.asked.slice(0, 3)).toEqual([
    `index-${descriptor.digest}`,
    `manifest-${chosen.digest}`,
    `config-${manifest.config.digest}`,
  ]);
  // At the same time, in no order.
  expect(fetcher.asked.slice(3).sort()).toEqual(
    manifest.layers.map(({ digest }) => `layer-${digest}`).sort(),
  );
  const source = { [`${LABEL.distributionSource}.localhost`]: 'some/where' };
  const all = await chooseManifest(remote, descriptor, amd64);
  // Of all platforms, so that they can be fetched later.
  expect(content.labels(descriptor.digest)).toMatchObject({
    ...source,
    'containerd.io/gc.ref.content.m.0': all.descriptor.digest,
    'containerd.io/gc.ref.content.m.1': chosen.digest,
    'containerd.io/gc.ref.content.m.2': expect.stringMatching(/^sha256:/),
  });
  expect(content.labels(chosen.digest)).toEqual({
    ...source,
    'containerd.io/gc.ref.content.config': manifest.config.digest,
    'containerd.io/gc.ref.content.l.0': manifest.layers[0]?.digest,
    'containerd.io/gc.ref.content.l.1': manifest.layers[1]?.digest,
  });
  for (const { digest } of [manifest.config, ...manifest.layers])
    expect(content.labels(digest)).toEqual(source);
});

test('what is here is not fetched again, and learns its second source', async () => {
  await using remote = await labelledStore();
  await using content = await labelledStore();
  const descriptor = await multiPlatform(remote);
  await fetchImage({ fetcher: serving(remote), content, name, descriptor, platforms: [amd64] });
  const again = serving(remote);
  const states: string[] = [];
  await fetchImage({
    fetcher: again,
    content,
    name: 'localhost/another:v2',
    descriptor,
    platforms: [amd64],
    onProgress: ({ state }) => states.push(state),
  });
  expect(again.asked).toEqual([]);
  expect(new Set(states)).toEqual(new Set(['exists']));
  expect(content.labels(descriptor.digest)[`${LABEL.distributionSource}.localhost`]).toBe(
    'another,some/where',
  );
  const other = serving(remote);
  await fetchImage({ fetcher: other, content, name, descriptor, platforms: [arm64] });
  expect(other.asked).not.toContain(`index-${descriptor.digest}`);
  const { manifest } = await chooseManifest(remote, descriptor, arm64);
  expect(other.asked.filter((a) => a.startsWith('layer-'))).toEqual([`layer-${manifest.layers[0]?.digest}`]);
});

test('all platforms, without what belongs to none', async () => {
  await using remote = await labelledStore();
  await using content = await labelledStore();
  const descriptor = await multiPlatform(remote);
  const { manifests } = await fetchImage({
    fetcher: serving(remote),
    content,
    name,
    descriptor,
    platforms: [amd64, arm64],
  });
  expect(manifests).toHaveLength(2);
  expect(await content.digests()).toHaveLength(1 + 2 + 2 + 3);
});

test('a platform that there is nothing for is not_found, and says what there is', async () => {
  await using remote = await labelledStore();
  await using content = await labelledStore();
  const descriptor = await multiPlatform(remote);
  const platforms = [{ os: 'linux', architecture: 's390x' }];
  const message = expect.stringMatching(
    /no manifest for linux\/s390x; it has only linux\/amd64, linux\/arm64/,
  );
  const failed = fetchImage({ fetcher: serving(remote), content, name, descriptor, platforms });
  await expect(failed).rejects.toMatchObject({ kind: 'not_found', message });
  await expect(chooseManifest(remote, descriptor, platforms[0] ?? amd64)).rejects.toMatchObject({
    kind: 'not_found',
    message,
  });
});

test('an index that does not say for which platforms its manifests are', async () => {
  await using remote = await labelledStore();
  await using content = await labelledStore();
  const full = await multiPlatform(remote);
  const manifests = [];
  for (const platform of [amd64, arm64]) {
    const { platform: _, ...silent } = (await chooseManifest(remote, full, platform)).descriptor;
    manifests.push(plain(silent));
  }
  const descriptor = await document(remote, MEDIA_TYPE.ociIndex, { manifests });
  const fetched = await fetchImage({
    fetcher: serving(remote),
    content,
    name,
    descriptor,
    platforms: [arm64],
  });
  expect(fetched.manifests.map((m) => m.descriptor.digest)).toEqual([manifests[1]?.digest]);
  expect((await chooseManifest(content, descriptor, arm64)).descriptor.digest).toBe(manifests[1]?.digest);
});

test('what was begun goes on where it was', async () => {
  await using remote = await labelledStore();
  await using content = await labelledStore();
  const target = await buildImage(remote, {
    platform: amd64,
    compression: 'none',
    layers: [[{ path: 'x', data: 'y'.repeat(5000) }]],
  });
  const { manifest } = await chooseManifest(remote, target, amd64);
  const [layer] = manifest.layers;
  if (layer === undefined) throw new Error('no layer');
  const bytes = await bytesOf(remote.read(layer.digest));
  {
    await using writer = await content.writer({
      ref: refOf(layer),
      expected: layer.digest,
      total: layer.size,
    });
    await writer.write(bytes.subarray(0, 1000));
  }
  const fetcher = serving(remote);
  const seen: Progress[] = [];
  const onProgress = (progress: Progress) => void seen.push(progress);
  await fetchImage({ fetcher, content, name, descriptor: target, platforms: [amd64], onProgress });
  expect(fetcher.asked).toContain(`layer-${layer.digest}+1000`);
  const ofLayer = seen.filter(({ descriptor }) => descriptor.digest === layer.digest);
  expect(ofLayer[0]).toMatchObject({ stage: 'fetch', state: 'running', bytes: 1000n });
  expect(ofLayer.at(-1)).toMatchObject({ state: 'done', bytes: layer.size });
});

test('wrong bytes from an earlier time are thrown away, and all is fetched anew', async () => {
  await using remote = await labelledStore();
  await using content = await labelledStore();
  const target = await buildImage(remote, { platform: amd64, layers: [[{ path: 'x', data: 'y' }]] });
  const [layer] = (await chooseManifest(remote, target, amd64)).manifest.layers;
  if (layer === undefined) throw new Error('no layer');
  {
    await using writer = await content.writer({
      ref: refOf(layer),
      expected: layer.digest,
      total: layer.size,
    });
    await writer.write(Buffer.from('not what it should be'));
  }
  const fetcher = serving(remote);
  await fetchImage({ fetcher, content, name, descriptor: target, platforms: [amd64] });
  expect(fetcher.asked.slice(-2)).toEqual([`layer-${layer.digest}+21`, `layer-${layer.digest}`]);
});

test('a transfer that breaks off is taken up again', async () => {
  await using remote = await labelledStore();
  await using content = await labelledStore();
  const target = await buildImage(remote, {
    platform: amd64,
    compression: 'none',
    layers: [[{ path: 'x', data: 'y' }]],
  });
  const whole = serving(remote);
  let breaks = 2;
  const breaking: Fetcher = {
    async *fetch(n, descriptor, options) {
      for await (const chunk of whole.fetch(n, descriptor, options)) {
        yield chunk;
        if (refOf(descriptor).startsWith('layer') && breaks-- > 0) throw new Fault('unavailable', 'gone');
      }
    },
  };
  await fetchImage({ fetcher: breaking, content, name, descriptor: target, platforms: [amd64] });
  expect(whole.asked.filter((a) => a.startsWith('layer'))).toEqual([
    expect.stringMatching(/^layer-sha256:[0-9a-f]+$/),
    expect.stringMatching(/\+64$/),
    expect.stringMatching(/\+128$/),
  ]);
});

test.each([
  ['other bytes', (b: Uint8Array) => Buffer.from(b).fill(0)],
  ['more bytes', (b: Uint8Array) => Buffer.concat([b, Buffer.of(0)])],
])('%s than the digest says are refused, and nothing of them stays', async (_, lie) => {
  await using remote = await labelledStore();
  await using content = await labelledStore();
  const target = await buildImage(remote, { platform: amd64, layers: [[{ path: 'x', data: 'y' }]] });
  const lying: Fetcher = {
    async *fetch(_n, { digest }) {
      yield lie(await bytesOf(remote.read(digest)));
    },
  };
  const failed = fetchImage({ fetcher: lying, content, name, descriptor: target, platforms: [amd64] });
  await expect(failed).rejects.toMatchObject({
    kind: 'failed_precondition',
    message: expect.stringContaining(target.digest),
  });
  expect(await content.digests()).toEqual([]);
  expect(await content.refs()).toEqual([]);
});

test('an ambiguous manifest is refused', async () => {
  await using remote = await labelledStore();
  await using content = await labelledStore();
  const config = plain(await document(remote, MEDIA_TYPE.ociConfig, {}));
  const both = await document(remote, MEDIA_TYPE.ociManifest, { config, layers: [], manifests: [] });
  const failed = fetchImage({
    fetcher: serving(remote),
    content,
    name,
    descriptor: both,
    platforms: [amd64],
  });
  await expect(failed).rejects.toMatchObject({ kind: 'invalid_argument' });
});

test('a size that is a lie is refused', async () => {
  await using remote = await labelledStore();
  await using content = await labelledStore();
  const config = plain(await document(remote, MEDIA_TYPE.ociConfig, {}));
  const manifest = await document(remote, MEDIA_TYPE.ociManifest, { config, layers: [] });
  const failed = (size: bigint) =>
    fetchImage({
      fetcher: serving(remote),
      content,
      name,
      descriptor: { ...manifest, size },
      platforms: [amd64],
    });
  await expect(failed(manifest.size - 1n)).rejects.toMatchObject({ kind: 'failed_precondition' });
  await expect(failed(5_000_000n)).rejects.toMatchObject({ kind: 'resource_exhausted' });
});

// CVE-2026-53493: six levels of ten are a million paths.
test('an index bomb is asked for few documents, and ends soon', async () => {
  await using remote = await labelledStore();
  await using content = await labelledStore();
  let level = [plain(await multiPlatform(remote))];
  for (let depth = 0; depth < 6; depth++) {
    const next = [];
    for (let i = 0; i < 10; i++) {
      const index = { schemaVersion: 2, manifests: level, annotations: { n: `${depth}.${i}` } };
      next.push(plain(await document(remote, MEDIA_TYPE.ociIndex, index)));
    }
    level = next;
  }
  const descriptor = await document(remote, MEDIA_TYPE.ociIndex, { schemaVersion: 2, manifests: level });
  const fetcher = serving(remote, 100_000);
  const started = performance.now();
  await fetchImage({ fetcher, content, name, descriptor, platforms: [amd64] });
  expect(fetcher.asked.length).toBeLessThan(100);
  expect(performance.now() - started).toBeLessThan(5000);
  expect((await chooseManifest(content, descriptor, amd64)).descriptor.platform).toEqual(amd64);
});

test('a graph of too many documents is given up', () => {
  const descriptor = (n: number) => ({ mediaType: MEDIA_TYPE.ociIndex, digest: digestOf(`${n}`), size: 1n });
  const visits = new Visits(descriptor(0));
  const many = Array.from({ length: 9_999 }, (_, n) => descriptor(n));
  visits.add(many);
  visits.add(many);
  expect(() => visits.add([descriptor(9_999), descriptor(10_000)])).toThrow(
    expect.objectContaining({ kind: 'resource_exhausted' }),
  );
});

test('layers come side by side, as many as said, and one failure stops the others', async () => {
  await using remote = await labelledStore();
  await using content = await labelledStore();
  const layers = [0, 1, 2, 3, 4, 5].map((n) => [{ path: `f${n}`, data: 'x'.repeat(n + 1) }]);
  const target = await buildImage(remote, { platform: amd64, layers });
  const { manifest } = await chooseManifest(remote, target, amd64);
  const fetched: Digest[] = [];
  let [inside, most] = [0, 0];
  const slow: Fetcher = {
    async *fetch(_n, { digest, mediaType }) {
      const isLayer = refOf({ digest, mediaType }).startsWith('layer');
      if (isLayer) most = Math.max(most, ++inside);
      try {
        if (isLayer) await new Promise((resolve) => setTimeout(resolve, 20));
        if (digest === manifest.layers[1]?.digest) throw new Fault('permission_denied', 'not this one');
        yield* remote.read(digest);
        if (isLayer) fetched.push(digest);
      } finally {
        if (isLayer) inside--;
      }
    },
  };
  const failed = fetchImage({
    fetcher: slow,
    content,
    name,
    descriptor: target,
    platforms: [amd64],
    concurrency: 2,
  });
  await expect(failed).rejects.toMatchObject({ kind: 'permission_denied', message: 'not this one' });
  expect(most).toBe(2);
  expect(inside).toBe(0);
  expect(fetched.length).toBeLessThan(3);
});

test('two that fetch the same image at once both get it, and it is transferred once', async () => {
  await using remote = await labelledStore();
  await using content = await labelledStore();
  const target = await buildImage(remote, {
    platform: amd64,
    layers: [[{ path: 'x', data: 'y' }], [{ path: 'z', data: 'z' }]],
  });
  const fetcher = serving(remote);
  const slow: Fetcher = {
    async *fetch(...args) {
      await new Promise((resolve) => setTimeout(resolve, 5));
      yield* fetcher.fetch(...args);
    },
  };
  const options = { fetcher: slow, content, name, descriptor: target, platforms: [amd64] };
  await Promise.all([fetchImage(options), fetchImage(options)]);
  expect(new Set(fetcher.asked).size).toBe(fetcher.asked.length);
  expect(await content.refs()).toEqual([]);
});

test('aborting rejects with the reason and leaves what came, to be resumed', async () => {
  await using remote = await labelledStore();
  await using content = await labelledStore();
  const target = await buildImage(remote, {
    platform: amd64,
    compression: 'none',
    layers: [[{ path: 'x', data: 'y'.repeat(3_000_000) }]],
  });
  const stop = new AbortController();
  const reason = new Error('enough');
  const stopping: Fetcher = {
    async *fetch(n, descriptor, options) {
      let chunks = 0;
      for await (const chunk of serving(remote, 65_536).fetch(n, descriptor, options)) {
        yield chunk;
        if (refOf(descriptor).startsWith('layer') && ++chunks === 30) stop.abort(reason);
        options?.signal?.throwIfAborted();
      }
    },
  };
  const options = { content, name, descriptor: target, platforms: [amd64] };
  await expect(fetchImage({ ...options, fetcher: stopping, signal: stop.signal })).rejects.toBe(reason);
  const fetcher = serving(remote);
  await fetchImage({ ...options, fetcher });
  expect(fetcher.asked).toEqual([expect.stringMatching(/^layer-.*\+\d+$/)]);
});

test('a store without labels does as well', async () => {
  await using remote = await labelledStore();
  await using dir = await tempDir('bare');
  await using content = await LocalContentStore.open(dir.path);
  const descriptor = await multiPlatform(remote);
  const options = { fetcher: serving(remote), content, name, descriptor, platforms: [amd64] };
  await fetchImage(options);
  expect((await fetchImage(options)).manifests).toHaveLength(1);
});

test('of other platforms, manifests and configs are fetched if wanted, and no layers', async () => {
  await using remote = await labelledStore();
  await using content = await labelledStore();
  const descriptor = await multiPlatform(remote);
  const fetcher = serving(remote);
  const options = { fetcher, content, name, descriptor, metadata: 'all' as const };
  const { manifests } = await fetchImage({ ...options, platforms: [arm64] });
  expect(manifests.map(({ descriptor: { platform } }) => platform?.architecture)).toEqual(['arm64']);
  const kinds = fetcher.asked.map((ref) => ref.split('-')[0]).sort();
  expect(kinds).toEqual(
    ['index', ...Array(3).fill('manifest'), ...Array(3).fill('config'), ...Array(2).fill('layer')].sort(),
  );
});

test('no more manifests than wanted are taken out of an index', async () => {
  await using remote = await labelledStore();
  await using content = await labelledStore();
  const descriptor = await multiPlatform(remote);
  const options = { fetcher: serving(remote), content, name, descriptor, metadata: 'all' as const };
  const { manifests } = await fetchImage({ ...options, platforms: [arm64, amd64], manifestLimit: 1 });
  expect(manifests.map(({ descriptor: { platform } }) => platform?.architecture)).toEqual(['arm64']);
  expect(options.fetcher.asked.filter((ref) => ref.startsWith('manifest'))).toHaveLength(1);
});

test('what documents point at is told before it is fetched', async () => {
  await using remote = await labelledStore();
  await using content = await labelledStore();
  const descriptor = await multiPlatform(remote);
  const told: string[] = [];
  const fetcher = serving(remote);
  const onChildren = (parent: Descriptor, children: readonly Descriptor[]) => {
    expect(fetcher.asked).not.toContain(refOf(children[0] as Descriptor));
    told.push(`${refOf(parent).split('-')[0]}: ${children.length}`);
  };
  await fetchMetadata({ fetcher, content, name, onChildren }, descriptor, [amd64]);
  expect(told).toEqual(['index: 3', 'manifest: 3']);
});
