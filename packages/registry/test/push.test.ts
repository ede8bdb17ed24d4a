import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type Descriptor, digestOf, MEDIA_TYPE } from '@stowage/core';
import { type BlobBytes, openRegistry, type Registry } from '../src/index.ts';
import { cuttingFront } from './support/cutting-front.ts';
import { guardedRegistry } from './support/guarded-registry.ts';
import { bytesOf } from './support/stub.ts';

let server: Awaited<ReturnType<typeof guardedRegistry>>;
let registry: Registry;

beforeAll(async () => {
  server = await guardedRegistry();
  registry = openRegistry({ retryDelayMs: 20 });
});

afterAll(async () => {
  await registry?.[Symbol.asyncDispose]();
  await server?.[Symbol.asyncDispose]();
});

const PIECE_BYTES = 60_000;

/** Bytes that no other test has, of which no two pieces are the same. */
function blob(seed: string, size: number) {
  const bytes = Buffer.alloc(size);
  for (let at = 0; at < size; at += 64) bytes.write(`${seed} ${at} `.padEnd(64, '.'), at);
  const descriptor: Descriptor = {
    mediaType: MEDIA_TYPE.ociLayer,
    digest: digestOf(bytes),
    size: BigInt(size),
  };
  return { bytes, descriptor, open: opening(bytes) };
}

function opening(bytes: Uint8Array, opened: bigint[] = []): BlobBytes {
  return async function* (offset) {
    opened.push(offset);
    for (let at = Number(offset); at < bytes.byteLength; at += PIECE_BYTES)
      yield bytes.subarray(at, at + PIECE_BYTES);
  };
}

function manifestOf(layers: readonly Descriptor[], config: Descriptor, more: object = {}): Buffer {
  const plain = ({ size, ...rest }: Descriptor) => ({ ...rest, size: Number(size) });
  const fields = { schemaVersion: 2, mediaType: MEDIA_TYPE.ociManifest, config: plain(config) };
  return Buffer.from(JSON.stringify({ ...fields, layers: layers.map(plain), ...more }));
}

async function pushImage(repository: string, tag: string, more: object = {}) {
  const config = { mediaType: MEDIA_TYPE.ociConfig, digest: digestOf('{}'), size: 2n };
  await registry.pushBlob(`${server.host}/${repository}`, config, opening(Buffer.from('{}')));
  const bytes = manifestOf([], config, more);
  const name = `${server.host}/${repository}${tag}`;
  return {
    bytes,
    name,
    pushed: await registry.pushManifest(name, { mediaType: MEDIA_TYPE.ociManifest, bytes }),
  };
}

test.each([
  ['at once', undefined],
  ['in chunks', 400_000],
  ['in chunks that divide it', 500_000],
])('a blob sent %s comes back as it was, and is sent once', async (how, chunkBytes) => {
  const { bytes, descriptor, open } = blob(how, 1_000_000);
  const name = `${server.host}/whole/${chunkBytes ?? 'blob'}`;
  const progress: bigint[] = [];
  const options = { chunkBytes, onProgress: (sent: bigint) => progress.push(sent) };
  expect(await registry.pushBlob(name, descriptor, open, options)).toBe('sent');
  expect(progress.at(-1)).toBe(descriptor.size);
  expect(progress).toEqual([...progress].sort((a, b) => Number(a - b)));
  expect((await bytesOf(registry.fetch(name, descriptor))).equals(bytes)).toBe(true);
  const unread: BlobBytes = () => {
    throw new Error('it is there');
  };
  expect(await registry.pushBlob(name, descriptor, unread)).toBe('exists');
});

test('nothing is a blob too', async () => {
  const { descriptor, open, bytes } = blob('', 0);
  expect(await registry.pushBlob(`${server.host}/empty`, descriptor, open)).toBe('sent');
  expect(await bytesOf(registry.fetch(`${server.host}/empty`, descriptor))).toEqual(bytes);
});

test.each([
  ['at once', undefined, [300_000, 300_000]],
  ['in chunks', 250_000, [100_000, 400_000]],
  ['in chunks, at their ends', 250_000, [250_000, 500_000]],
])('a push that is cut twice, %s, goes on', async (how, chunkBytes, cuts) => {
  const { bytes, descriptor } = blob(`cut ${how}`, 1_000_000);
  await using front = await cuttingFront(server.host, cuts);
  const opened: bigint[] = [];
  const options = { chunkBytes };
  const name = `${front.host}/cut/${how.replace(/[^a-z]/g, '')}`;
  expect(await registry.pushBlob(name, descriptor, opening(bytes, opened), options)).toBe('sent');
  expect(front.cuts()).toBe(2);
  expect(opened.length).toBeGreaterThanOrEqual(3);
  // What came in parts is kept.
  if (chunkBytes !== undefined) expect(opened.at(-1)).toBeGreaterThan(0n);
  expect((await bytesOf(registry.fetch(name, descriptor))).equals(bytes)).toBe(true);
});

test('a push that is cut in a later chunk does not begin anew', async () => {
  const { bytes, descriptor } = blob('late', 1_000_000);
  await using front = await cuttingFront(server.host, [700_000]);
  const opened: bigint[] = [];
  const name = `${front.host}/late`;
  await registry.pushBlob(name, descriptor, opening(bytes, opened), { chunkBytes: 250_000 });
  expect(opened.filter((offset) => offset === 0n)).toHaveLength(1);
  expect(front.upBytes()).toBeLessThan(1_500_000);
});

test('a registry that cuts every connection is given up', async () => {
  const { bytes, descriptor } = blob('never', 1_000_000);
  await using front = await cuttingFront(server.host, new Array(50).fill(200_000));
  await expect(registry.pushBlob(`${front.host}/never`, descriptor, opening(bytes))).rejects.toMatchObject({
    kind: 'unavailable',
    message: expect.stringContaining(`push ${descriptor.digest} to ${front.host}/never`),
  });
  expect(front.cuts()).toBeLessThan(20);
});

test('a blob is taken from another repository where one has it, and sent where none has', async () => {
  const { descriptor, open } = blob('mounted', 1000);
  await registry.pushBlob(`${server.host}/mount/source`, descriptor, open);
  const target = `${server.host}/mount/target`;
  const mountFrom = ['mount/nobody', 'mount/target', 'mount/source'];
  const unread: BlobBytes = () => {
    throw new Error('it is mounted');
  };
  expect(await registry.pushBlob(target, descriptor, unread, { mountFrom })).toBe('mounted');
  expect(await bytesOf(registry.fetch(target, descriptor))).toHaveLength(1000);
  const lost = blob('not mounted', 1000);
  expect(await registry.pushBlob(target, lost.descriptor, lost.open, { mountFrom })).toBe('sent');
});

test.each([
  ['fewer bytes', (bytes: Buffer) => bytes.subarray(1)],
  ['no bytes', () => Buffer.alloc(0)],
  ['other bytes', (bytes: Buffer) => Buffer.alloc(bytes.byteLength)],
  ['other bytes and more', (bytes: Buffer) => Buffer.alloc(bytes.byteLength + 5)],
])('%s than the descriptor says are refused', async (what, wrong) => {
  for (const chunkBytes of [undefined, 30_000]) {
    const { bytes, descriptor } = blob(`${what} ${chunkBytes}`, 100_000);
    const name = `${server.host}/wrong`;
    await expect(
      registry.pushBlob(name, descriptor, opening(wrong(bytes)), { chunkBytes }),
    ).rejects.toMatchObject({ kind: 'failed_precondition' });
    await expect(bytesOf(registry.fetch(name, descriptor))).rejects.toMatchObject({ kind: 'not_found' });
  }
});

test('what cannot be read ends the push with its own error', async () => {
  const { descriptor } = blob('unreadable', 100_000);
  const failing: BlobBytes = async function* () {
    yield Buffer.alloc(10);
    throw new Error('disk on fire');
  };
  await expect(registry.pushBlob(`${server.host}/unreadable`, descriptor, failing)).rejects.toMatchObject({
    message: expect.stringContaining('disk on fire'),
  });
});

test('aborting a push rejects with the reason and closes what was opened', async () => {
  const { descriptor } = blob('aborted', 1_000_000);
  const stop = new AbortController();
  const reason = new Error('enough');
  let isClosed = false;
  const hanging: BlobBytes = async function* (_, { signal }) {
    try {
      yield Buffer.alloc(100);
      setTimeout(() => stop.abort(reason), 20);
      await new Promise((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason)));
    } finally {
      isClosed = true;
    }
  };
  const options = { signal: stop.signal };
  await expect(registry.pushBlob(`${server.host}/x`, descriptor, hanging, options)).rejects.toBe(reason);
  expect(isClosed).toBe(true);
});

test('a manifest is stored by tag and digest, and not sent twice', async () => {
  const { name, bytes, pushed } = await pushImage('images', ':v1');
  expect(pushed).toEqual({
    state: 'sent',
    descriptor: {
      mediaType: MEDIA_TYPE.ociManifest,
      digest: digestOf(bytes),
      size: BigInt(bytes.byteLength),
    },
  });
  expect((await registry.resolve(name)).descriptor).toEqual(pushed.descriptor);
  expect((await pushImage('images', ':v1')).pushed.state).toBe('exists');
  expect((await pushImage('images', ':v2')).pushed.state).toBe('sent');
  expect((await pushImage('images', `@${digestOf(bytes)}`)).pushed.state).toBe('exists');
  expect((await pushImage('images', '')).pushed.state).toBe('exists');
});

test('a manifest is refused that points at what is not there, or is not what it is called', async () => {
  const { descriptor } = blob('absent', 10);
  const manifest = { mediaType: MEDIA_TYPE.ociManifest, bytes: manifestOf([descriptor], descriptor) };
  await expect(registry.pushManifest(`${server.host}/images:v3`, manifest)).rejects.toMatchObject({
    kind: 'failed_precondition',
    message: expect.stringMatching(/push .*\/images:v3.*(BLOB|MANIFEST)/),
  });
  const other = `${server.host}/images@${descriptor.digest}`;
  await expect(registry.pushManifest(other, manifest)).rejects.toMatchObject({ kind: 'failed_precondition' });
  const schema1 = { ...manifest, mediaType: MEDIA_TYPE.dockerSchema1 };
  await expect(registry.pushManifest(`${server.host}/images:v3`, schema1)).rejects.toMatchObject({
    kind: 'unimplemented',
  });
  const unknown = { ...manifest, mediaType: 'text/plain' };
  await expect(registry.pushManifest(`${server.host}/images:v3`, unknown)).rejects.toMatchObject({
    kind: 'invalid_argument',
  });
});

test('tags are listed over as many pages as it takes', async () => {
  const tags = ['a', 'b', 'c', 'd', 'e'];
  for (const tag of tags) await pushImage('tagged', `:${tag}`);
  const listed = await Array.fromAsync(registry.tags(`${server.host}/tagged`, { pageSize: 2 }));
  expect(listed.sort()).toEqual(tags);
  await expect(Array.fromAsync(registry.tags(`${server.host}/untagged`))).rejects.toMatchObject({
    kind: 'not_found',
  });
});

test('what refers to a manifest is listed under the fallback tag of a registry that knows no referrers', async () => {
  const { pushed } = await pushImage('signed', ':v1');
  const { digest, size, mediaType } = pushed.descriptor;
  const about = { subject: { mediaType, digest, size: Number(size) } };
  const signature = await pushImage('signed', '', {
    ...about,
    artifactType: 'application/vnd.signature',
    annotations: { by: 'alice' },
  });
  const list = await pushImage('signed', '', { ...about, artifactType: 'application/vnd.parts' });
  await pushImage('signed', '', { ...about, artifactType: 'application/vnd.parts' });
  const name = `${server.host}/signed`;
  const all = await Array.fromAsync(registry.referrers(name, digest));
  expect(all).toEqual([
    {
      ...signature.pushed.descriptor,
      artifactType: 'application/vnd.signature',
      annotations: { by: 'alice' },
    },
    { ...list.pushed.descriptor, artifactType: 'application/vnd.parts' },
  ]);
  const options = { artifactType: 'application/vnd.parts' };
  expect(await Array.fromAsync(registry.referrers(name, digest, options))).toEqual([all[1]]);
  expect(await Array.fromAsync(registry.referrers(name, digestOf('x')))).toEqual([]);
  expect(await Array.fromAsync(registry.tags(name))).toContain(`sha256-${digest.slice(7)}`);
});

test('manifests and blobs are deleted, and tags where a registry lets them be', async () => {
  const { name, pushed } = await pushImage('gone', ':v1');
  const byDigest = `${server.host}/gone@${pushed.descriptor.digest}`;
  // docker-registry 2.8 deletes no tags.
  await expect(registry.delete(name)).rejects.toMatchObject({ kind: 'unimplemented' });
  await registry.delete(byDigest);
  await expect(registry.resolve(name)).rejects.toMatchObject({ kind: 'not_found' });
  await expect(registry.delete(byDigest)).rejects.toMatchObject({ kind: 'not_found' });
  const { descriptor, open } = blob('deleted', 10);
  await registry.pushBlob(name, descriptor, open);
  await registry.deleteBlob(name, descriptor.digest);
  await expect(bytesOf(registry.fetch(name, descriptor))).rejects.toMatchObject({ kind: 'not_found' });
});
