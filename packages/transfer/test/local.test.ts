import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type Descriptor, Fault, MEDIA_TYPE } from '@stowage/core';
import { chooseManifest, convertImage, writeArchive } from '@stowage/oci-image';
import { openRegistry, type Registry } from '@stowage/registry';
import type { ImageReference, StoredImage, TransferProgress } from '@stowage/transfer';
import { amd64, arm64, digestsIn, type House, house, twoPlatforms } from './house.ts';

let at: House;
let image: Descriptor;
const NAME = 'registry.example/two:v1';

beforeAll(async () => {
  at = await house(true);
  const { content, images } = at.view('source');
  image = await twoPlatforms(content);
  await images.create({ name: NAME, target: image, labels: {} });
  await at.transfers('source').transfer(stored(NAME), registry('two:v1'));
}, 60_000);
afterAll(async () => {
  await at[Symbol.asyncDispose]();
});

const stored = (name: string, more: Partial<StoredImage> = {}): StoredImage => ({
  kind: 'store',
  name,
  ...more,
});
const registry = (name: string) => ({ kind: 'registry' as const, reference: `${at.host}/${name}` });

async function kindsIn(namespace: string): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  const { content, images } = at.view(namespace);
  await at.metadata.collect();
  for await (const { name } of images.list()) counts[name] = (counts[name] ?? 0) + 1;
  return { ...counts, blobs: (await digestsIn(content)).size };
}

test('an image is pushed with all its platforms, and pulled with those that are wanted', async () => {
  await at.transfers('all').transfer(registry('two:v1'), stored('all'));
  // Index, and of each platform manifest, config and own layer, and one layer of both.
  expect(await kindsIn('all')).toEqual({ all: 1, blobs: 8 });
  await at.transfers('one').transfer(registry('two:v1'), stored('one', { platforms: [arm64] }));
  expect(await kindsIn('one')).toEqual({ one: 1, blobs: 5 });
  const meta = { platforms: [arm64], allMetadata: true };
  await at.transfers('meta').transfer(registry('two:v1'), stored('meta', meta));
  expect(await kindsIn('meta')).toEqual({ meta: 1, blobs: 7 });
  await at.transfers('limit').transfer(registry('two:v1'), stored('limit', { manifestLimit: 1 }));
  expect(await kindsIn('limit')).toEqual({ limit: 1, blobs: 5 });
  for (const namespace of ['source', 'all', 'one', 'meta', 'limit'])
    expect(await at.leases(namespace)).toBe(0);
});

test('an image lacks nothing after it is pushed again, and all of it is told as being there', async () => {
  const steps: TransferProgress[] = [];
  const to = registry('two:v1');
  await at.transfers('source').transfer(stored(NAME), to, { onProgress: (step) => void steps.push(step) });
  const last = new Map(steps.map(({ name, event }) => [name, event]));
  last.delete('');
  last.delete(NAME);
  expect([...new Set(last.values())]).toEqual(['already exists']);
  expect(steps[0]).toMatchObject({ event: `Pushing to OCI Registry (${to.reference})`, name: '' });
  const manifest = steps.find(({ name }) => name.startsWith('manifest-'));
  expect(manifest?.parents).toEqual([`index-${image.digest}`]);
});

test('a push of what was pulled for one platform says what is missing', async () => {
  await at.transfers('part').transfer(registry('two:v1'), stored('part', { platforms: [amd64] }));
  await expect(at.transfers('part').transfer(stored('part'), registry('part:v1'))).rejects.toMatchObject({
    kind: 'not_found',
    message: expect.stringContaining('linux/arm64'),
  });
});

test('of an image that has nothing for the platforms, no archive is written', async () => {
  const riscv = { os: 'linux', architecture: 'riscv64' };
  let bytes = 0;
  const write = async (archive: AsyncIterable<Uint8Array>) => {
    for await (const chunk of archive) bytes += chunk.byteLength;
  };
  const to = { kind: 'export' as const, platforms: [riscv], write };
  await expect(at.transfers('source').transfer(stored(NAME), to)).rejects.toMatchObject({
    kind: 'not_found',
    message: expect.stringContaining(`"${NAME}"`),
  });
  expect(bytes).toBe(0);
});

test('without an image of its name, nothing is moved', async () => {
  const absent = stored('absent');
  const write = async () => {};
  for (const to of [registry('x:v1'), stored('y'), { kind: 'export' as const, write }]) {
    await expect(at.transfers('source').transfer(absent, to)).rejects.toMatchObject({ kind: 'not_found' });
  }
  expect(await at.leases('source')).toBe(0);
});

test('other names are given to an image, and those that are there are moved', async () => {
  const { images } = at.view('source');
  const references = [{ name: 'third' }, { name: 'fourth', addDigest: true }];
  await images.create({ name: 'second', target: { ...image, size: 1n }, labels: { old: '1' } });
  await at.transfers('source').transfer(stored(NAME), stored('second', { references, labels: { new: '1' } }));
  const second = await images.get('second');
  expect(second.target.size).toBe(image.size);
  expect({ ...second.labels }).toEqual({ new: '1' });
  await images.get('third');
  await images.get(`fourth@${image.digest}`);
  await expect(at.transfers('source').transfer(stored(NAME), stored(''))).rejects.toMatchObject({
    kind: 'not_found',
  });
});

async function* archiveOf(...names: string[]): AsyncGenerator<Uint8Array> {
  const { content } = at.view('source');
  yield* writeArchive(
    content,
    names.map((name) => ({ name, target: image })),
  );
}

const prefix = (name: string, more: Partial<ImageReference> = {}) => ({ name, isPrefix: true, ...more });

test.each<[string, string, readonly ImageReference[], string[]]>([
  ['a full name within the prefix is kept', NAME, [prefix('registry.example/two')], [NAME]],
  ['a full name elsewhere is none', NAME, [prefix('registry.example/tw')], []],
  ['a full name elsewhere is kept if it may', NAME, [prefix('x', { allowOverwrite: true })], [NAME]],
  [
    'a name is given once, by however many',
    NAME,
    [prefix('registry.example/two'), prefix('registry.example')],
    [NAME],
  ],
  [
    'a digest is added',
    NAME,
    [prefix('registry.example/two', { addDigest: true })],
    [NAME, 'registry.example/two@'],
  ],
  [
    'a digest is not added to what has a name',
    NAME,
    [prefix('registry.example/two', { addDigest: true, skipNamedDigest: true })],
    [NAME],
  ],
  [
    'a digest is the name of what has none',
    NAME,
    [prefix('y', { addDigest: true, skipNamedDigest: true })],
    ['y@'],
  ],
  ['the index has the names that are no prefixes', NAME, [{ name: 'index' }], ['index']],
])('of archives: %s', async (title, name, references, expected) => {
  const namespace = title.replaceAll(/\W+/g, '-');
  const from = { kind: 'import' as const, bytes: archiveOf(name) };
  await at.transfers(namespace).transfer(from, stored('', { references }));
  const names = await Array.fromAsync(at.view(namespace).images.list(), (one) => one.name);
  expect(names.map((one) => one.replace(/@.*/, '@')).sort()).toEqual(expected.toSorted());
  expect(await at.leases(namespace)).toBe(0);
});

test('an archive has to have something for the platforms that are wanted', async () => {
  const references = [prefix('x', { allowOverwrite: true })];
  const to = stored('', { references, platforms: [{ os: 'linux', architecture: 's390x' }] });
  const from = () => ({ kind: 'import' as const, bytes: archiveOf(NAME) });
  await expect(at.transfers('platforms').transfer(from(), to)).rejects.toMatchObject({ kind: 'not_found' });
  await at.transfers('platforms').transfer(from(), { ...to, platforms: [arm64] });
});

test.each<[string, (whole: Buffer) => Buffer, string]>([
  ['ends in the middle', (whole) => whole.subarray(0, 512 * 5 + 100), 'invalid_argument'],
  ['ends between two files', (whole) => whole.subarray(0, 512 * 4), 'not_found'],
  ['ends before it begins', () => Buffer.alloc(0), 'invalid_argument'],
  ['is none', () => Buffer.from('not a tar '.repeat(1000)), 'invalid_argument'],
  ['lies about a blob', (whole) => lying(whole), 'invalid_argument'],
])('an archive that %s leaves no image, ingest or lease', async (title, change, kind) => {
  const namespace = `hostile-${title.replaceAll(' ', '-')}`;
  const whole = Buffer.concat(await Array.fromAsync(archiveOf(NAME)));
  const bytes = (async function* () {
    yield change(whole);
  })();
  const to = stored('', { references: [prefix('x', { allowOverwrite: true })] });
  await expect(at.transfers(namespace).transfer({ kind: 'import', bytes }, to)).rejects.toMatchObject({
    kind,
  });
  const { images, content } = at.view(namespace);
  expect(await Array.fromAsync(images.list())).toEqual([]);
  expect(await Array.fromAsync(content.statuses())).toEqual([]);
  expect(await at.leases(namespace)).toBe(0);
  await at.metadata.collect();
  expect((await digestsIn(content)).size).toBe(0);
});

/** The same length, and another text in the first config. */
function lying(whole: Buffer): Buffer {
  const changed = Buffer.from(whole);
  const at = changed.indexOf('"architecture":"amd64"');
  changed.write('"architecture":"mips7"', at);
  return changed;
}

test('a pull that is given up leaves no lease, and can be made again', async () => {
  // What is in one namespace need not come again for another.
  await using here = await house();
  const stop = new AbortController();
  const reached = Promise.withResolvers<void>();
  const stuck = (real: Registry): Registry => ({
    ...real,
    resolve: (name, options) => real.resolve(name, options),
    async *fetch(name, descriptor, { signal, ...options } = {}) {
      if (!descriptor.mediaType.includes('layer')) {
        yield* real.fetch(name, descriptor, { signal, ...options });
        return;
      }
      reached.resolve();
      await new Promise((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason)));
    },
    [Symbol.asyncDispose]: () => real[Symbol.asyncDispose](),
  });
  const transfers = here.transfers('given-up', { openRegistry: (options) => stuck(openRegistry(options)) });
  const pulling = transfers.transfer(registry('two:v1'), stored('x'), { signal: stop.signal });
  const failing = expect(pulling).rejects.toBe('enough');
  await reached.promise;
  expect(await here.leases('given-up')).toBe(1);
  stop.abort('enough');
  await failing;
  expect(await here.leases('given-up')).toBe(0);
  await here.transfers('given-up').transfer(registry('two:v1'), stored('x'));
  expect((await digestsIn(here.view('given-up').content)).size).toBe(8);
});

test.each([1, 2])('no more than %d blobs come at a time, whoever pulls', async (maxDownloads) => {
  let [now, most] = [0, 0];
  const counting = (real: Registry): Registry => ({
    ...real,
    resolve: (name, options) => real.resolve(name, options),
    async *fetch(name, descriptor, options) {
      most = Math.max(most, ++now);
      try {
        await new Promise((resolve) => setTimeout(resolve, 5));
        yield* real.fetch(name, descriptor, options);
      } finally {
        now--;
      }
    },
    [Symbol.asyncDispose]: () => real[Symbol.asyncDispose](),
  });
  const options = {
    openRegistry: (settings: Parameters<typeof openRegistry>[0]) => counting(openRegistry(settings)),
    limits: { maxDownloads },
  };
  await using here = await house();
  const transfers = here.transfers('limits', options);
  await Promise.all(['a', 'b'].map((name) => transfers.transfer(registry('two:v1'), stored(name))));
  expect(most).toBe(maxDownloads);
  expect(now).toBe(0);
});

test.each<[string, object, string]>([
  ['a header that can not be sent', { headers: { 'a b': 'c' } }, 'invalid_argument'],
  ['a header that would end the headers', { headers: { a: 'b\r\nc: d' } }, 'invalid_argument'],
  ['a directory of hosts that is no absolute path', { hostDirectory: 'certs.d' }, 'invalid_argument'],
  ['a reference that is none', { reference: '///' }, 'invalid_argument'],
])('%s is refused', async (_, more, kind) => {
  const from = { ...registry('two:v1'), ...more };
  await expect(at.transfers('refused').transfer(from, stored('x'))).rejects.toMatchObject({ kind });
  expect(await at.leases('refused')).toBe(0);
});

test('what can not be unpacked is an error, before anything is moved', async () => {
  const to = stored('x', { unpacks: [{ snapshotter: 'overlayfs' }] });
  await expect(at.transfers('unpack').transfer(registry('two:v1'), to)).rejects.toMatchObject({
    kind: 'unimplemented',
  });
  expect((await kindsIn('unpack')).blobs).toBe(0);
});

test('layers of an archive that are not compressed can be, on their way in', async () => {
  const { content } = at.view('source');
  const convert = (compression: 'none' | 'zstd') => convertImage({ content, target: image, compression });
  const plain = (await convert('none')).descriptor;
  const packed = (await convert('zstd')).descriptor;
  const archive = writeArchive(content, [
    { name: 'example.org/plain:v1', target: plain },
    { name: 'example.org/packed:v1', target: packed },
  ]);
  const from = { kind: 'import' as const, bytes: archive, forceCompress: true };
  await at
    .transfers('compress')
    .transfer(from, stored('', { references: [prefix('x', { allowOverwrite: true })] }));
  const there = at.view('compress');
  const typesOf = async (name: string) => {
    const { target } = await there.images.get(name);
    const types = new Set<string>();
    for (const platform of [amd64, arm64]) {
      const { manifest } = await chooseManifest(there.content, target, platform);
      for (const layer of manifest.layers) {
        types.add(layer.mediaType);
        const [bytes] = await Array.fromAsync(there.content.read(layer.digest, { length: 2n }));
        if (layer.mediaType === MEDIA_TYPE.ociLayerGzip) expect([...(bytes ?? [])]).toEqual([0x1f, 0x8b]);
      }
    }
    return [...types];
  };
  expect(await typesOf('example.org/plain:v1')).toEqual([MEDIA_TYPE.ociLayerGzip]);
  expect(await typesOf('example.org/packed:v1')).toEqual([MEDIA_TYPE.ociLayerZstd]);
  expect(await at.leases('compress')).toBe(0);
});

test('an export can leave out Docker’s manifest, and fails where the store lacks a platform', async () => {
  const names = async (more: object) => {
    const parts: Uint8Array[] = [];
    const write = async (bytes: AsyncIterable<Uint8Array>) => {
      for await (const chunk of bytes) parts.push(chunk);
    };
    await at.transfers('one').transfer(stored('one'), { kind: 'export', write, ...more });
    return Buffer.concat(parts);
  };
  expect((await names({ platforms: [arm64] })).includes('manifest.json')).toBe(true);
  const without = { platforms: [arm64], skipDockerManifest: true };
  expect((await names(without)).includes('manifest.json')).toBe(false);
  await expect(names({ allPlatforms: true })).rejects.toMatchObject({ kind: 'not_found' });
});

test('an image that is removed while it is exported is exported whole', async () => {
  await using here = await house();
  const { content, images } = here.view('n');
  const target = await twoPlatforms(content);
  await images.create({ name: 'x', target, labels: {} });
  const parts: Uint8Array[] = [];
  const write = async (bytes: AsyncIterable<Uint8Array>) => {
    for await (const chunk of bytes) {
      if (parts.push(chunk) !== 1) continue;
      await images.delete('x');
      await here.metadata.collect();
    }
  };
  await here.transfers('n').transfer(stored('x'), { kind: 'export', write, allPlatforms: true });
  expect(await here.leases('n')).toBe(0);
  await here.metadata.collect();
  expect((await digestsIn(content)).size).toBe(0);
  const bytes = (async function* () {
    yield* parts;
  })();
  const references = [prefix('x', { allowOverwrite: true, addDigest: true })];
  await here.transfers('m').transfer({ kind: 'import', bytes }, stored('', { references }));
  expect((await digestsIn(here.view('m').content)).size).toBeGreaterThanOrEqual(8);
});

test.each<[string, string | undefined, string | undefined]>([
  ['is what was asked for, if it is listed', 'native', 'native'],
  ['is the first that is listed, if none was asked for', undefined, 'overlayfs'],
  ['is none that is not listed', 'zfs', undefined],
])('the snapshotter to unpack with %s', async (_, snapshotter, used) => {
  const asked: string[] = [];
  const options = {
    snapshots: {
      names: ['zfs', 'overlayfs', 'native'],
      snapshotter(_: unknown, name: string): never {
        asked.push(name);
        throw new Fault('unavailable', name);
      },
    },
    differ: (): never => {
      throw new Error('not reached');
    },
    limits: {
      unpacks: ['overlayfs', 'native'].map((name) => ({ platform: amd64, snapshotter: name })),
    },
  };
  const to = stored('x', { unpacks: [snapshotter === undefined ? {} : { snapshotter }] });
  const pulling = at.transfers('rules', options).transfer(registry('two:v1'), to);
  const kind = used === undefined ? 'invalid_argument' : 'unavailable';
  await expect(pulling).rejects.toMatchObject({ kind });
  expect(asked).toEqual(used === undefined ? [] : [used]);
});

test('without a namespace nothing is done', async () => {
  const failing = at.transfers('').transfer(stored('a'), stored('b'));
  expect(Fault.is(await failing.catch((e: unknown) => e), 'failed_precondition')).toBe(true);
});
