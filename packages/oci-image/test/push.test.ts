import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { writeBlob } from '@stowage/content';
import { type Descriptor, digestOf, Fault, MEDIA_TYPE, type Platform } from '@stowage/core';
import { openRegistry, sourceRepositories } from '@stowage/registry';
import { type DockerRegistry, dockerRegistry } from '../../registry/test/support/docker-registry.ts';
import {
  buildImage,
  childrenOf,
  fetchImage,
  isForeign,
  type Progress,
  type PushImageOptions,
  pushImage,
  readManifest,
} from '../src/index.ts';
import { type LabelledStore, labelledStore } from './support/store.ts';

const AMD = { os: 'linux', architecture: 'amd64' };
const ARM = { os: 'linux', architecture: 'arm64' };
const RISC = { os: 'linux', architecture: 'riscv64' };

let server: DockerRegistry;

beforeAll(async () => {
  server = await dockerRegistry();
});

afterAll(async () => {
  await server?.[Symbol.asyncDispose]();
});

async function document(content: LabelledStore, mediaType: string, value: object): Promise<Descriptor> {
  const bytes = Buffer.from(JSON.stringify(value));
  const descriptor = { mediaType, digest: digestOf(bytes), size: BigInt(bytes.byteLength) };
  await writeBlob(content, `test-${descriptor.digest}`, bytes, descriptor);
  return descriptor;
}

const json = ({ mediaType, digest, size }: Descriptor, platform?: Platform) => ({
  ...{ mediaType, digest, size: Number(size) },
  ...(platform && { platform }),
});

/** An index of one manifest of two layers for each platform. */
async function imageFor(content: LabelledStore, word: string, ...platforms: Platform[]): Promise<Descriptor> {
  const manifests: object[] = [];
  for (const platform of platforms) {
    const index = await buildImage(content, {
      platform,
      layers: [
        [{ path: 'shared', data: `${word} shared` }],
        [{ path: 'own', data: `${word} ${platform.architecture}` }],
      ],
    });
    const [manifest] = await childrenOf(content, index);
    if (manifest === undefined) throw new Error('no manifest');
    manifests.push(json(manifest, platform));
  }
  const annotations = { word };
  return document(content, MEDIA_TYPE.ociIndex, {
    schemaVersion: 2,
    mediaType: MEDIA_TYPE.ociIndex,
    manifests,
    annotations,
  });
}

async function push(
  content: LabelledStore,
  target: Descriptor,
  path: string,
  more: Partial<PushImageOptions> = {},
) {
  await using registry = openRegistry({ retryDelayMs: 10 });
  const steps: Progress[] = [];
  const onProgress = (step: Progress) => void steps.push(step);
  const name = `${server.host}/${path}`;
  const mountFrom: PushImageOptions['mountFrom'] = (labels) => sourceRepositories(labels, server.host);
  const pushed = await pushImage({ pusher: registry, content, name, target, mountFrom, onProgress, ...more });
  const states = steps.filter(({ state }) => state !== 'running').map(({ state }) => state);
  return { ...pushed, steps, states, name };
}

async function resolved(path: string): Promise<Descriptor> {
  await using registry = openRegistry();
  return (await registry.resolve(`${server.host}/${path}`)).descriptor;
}

test('an index goes with all below it, children first, and comes back the same; a second time nothing is sent', async () => {
  await using content = await labelledStore();
  const target = await imageFor(content, 'whole', AMD, ARM);
  const { descriptor, leftOut, steps, states } = await push(content, target, 'whole:v1');
  expect({ descriptor, leftOut }).toEqual({ descriptor: target, leftOut: [] });
  // Two configs, three layers, two manifests and the index.
  expect(states).toEqual(Array(8).fill('done'));
  expect(steps.at(-1)).toMatchObject({ descriptor: target, stage: 'push', bytes: target.size });

  await using registry = openRegistry();
  await using there = await labelledStore();
  const found = await registry.resolve(`${server.host}/whole:v1`);
  expect(found.descriptor).toEqual(target);
  await fetchImage({ fetcher: registry, content: there, ...found, platforms: 'all' });
  const digests = await there.digests();
  expect(digests).toHaveLength(8);
  expect(await content.digests()).toEqual(expect.arrayContaining(digests));

  expect((await push(content, target, 'whole:v1')).states).toEqual(Array(8).fill('exists'));
  // Known there by another name now: only that is new.
  expect((await push(content, target, 'whole:v2')).states).toEqual([...Array(7).fill('exists'), 'done']);
});

test('blobs are taken from the repository that they came from', async () => {
  await using content = await labelledStore();
  const target = await imageFor(content, 'moved', AMD);
  const { name, descriptor } = await push(content, target, 'from/here:v1');
  await using registry = openRegistry();
  // Says on each blob where it came from.
  await fetchImage({ fetcher: registry, content, name, descriptor, platforms: 'all' });
  const { states } = await push(content, target, 'to/there:v1');
  expect(states).toEqual(['mounted', 'mounted', 'mounted', 'done', 'done']);
  expect(await resolved('to/there:v1')).toEqual(target);
});

test('what is not in the store is told before anything is sent, with what to do', async () => {
  await using content = await labelledStore();
  const target = await imageFor(content, 'partial', AMD, ARM, RISC);
  const [, arm] = await childrenOf(content, target);
  await content.delete(arm?.digest ?? target.digest);
  await expect(push(content, target, 'partial:v1')).rejects.toMatchObject({
    kind: 'not_found',
    message: `push ${target.digest}: ${arm?.digest} (linux/arm64) is missing; it may have been pulled for some platforms only: push these`,
  });
  await expect(resolved('partial:v1')).rejects.toMatchObject({ kind: 'not_found' });

  await expect(push(content, target, 'partial:v1', { part: [ARM] })).rejects.toMatchObject({
    kind: 'not_found',
  });
  await expect(
    push(content, target, 'partial:v1', { part: [{ os: 'plan9', architecture: 'amd64' }] }),
  ).rejects.toMatchObject({ kind: 'not_found', message: expect.stringMatching(/plan9.*linux\/riscv64/) });
});

test('of what is there, two go as an index of two that says else what it said, and one goes by itself', async () => {
  await using content = await labelledStore();
  const target = await imageFor(content, 'available', AMD, ARM, RISC);
  const [amd, arm, risc] = await childrenOf(content, target);
  const { layers } = await readManifest(content, risc as Descriptor);
  // A layer of its own, and not its manifest: it is found missing all the same.
  await content.delete(layers.at(-1)?.digest ?? target.digest);
  const two = await push(content, target, 'available:two', { part: 'available' });
  expect(two.leftOut).toEqual([risc]);
  expect(await resolved('available:two')).toEqual(two.descriptor);
  await using registry = openRegistry();
  const chunks = await Array.fromAsync(registry.fetch(two.name, two.descriptor));
  expect(JSON.parse(Buffer.concat(chunks).toString())).toEqual({
    schemaVersion: 2,
    mediaType: MEDIA_TYPE.ociIndex,
    manifests: [json(amd as Descriptor, AMD), json(arm as Descriptor, ARM)],
    annotations: { word: 'available' },
  });

  const one = await push(content, target, 'available:one', { part: [ARM] });
  expect(one.descriptor.digest).toBe(arm?.digest);
  expect((await resolved('available:one')).digest).toBe(arm?.digest);
  expect(one.leftOut).toEqual([amd, risc]);
});

test('layers that registries need not have stay', async () => {
  await using content = await labelledStore();
  const config = await document(content, MEDIA_TYPE.ociConfig, { os: 'windows', architecture: 'amd64' });
  const foreign = {
    mediaType: 'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip',
    digest: digestOf('elsewhere'),
    size: 9n,
  };
  expect(isForeign(foreign.mediaType)).toBe(true);
  const target = await document(content, MEDIA_TYPE.dockerManifest, {
    schemaVersion: 2,
    mediaType: MEDIA_TYPE.dockerManifest,
    config: json({ ...config, mediaType: MEDIA_TYPE.dockerConfig }),
    layers: [{ ...json(foreign), urls: ['https://registry.invalid/x'] }],
  });
  const pushed: string[] = [];
  await pushImage({
    pusher: {
      async pushBlob(_, { digest }) {
        pushed.push(digest);
        return 'sent';
      },
      async pushManifest(name) {
        pushed.push(name);
        return { state: 'sent' };
      },
    },
    content,
    name: 'registry.invalid/windows:v1',
    target,
  });
  expect(pushed).toEqual([config.digest, 'registry.invalid/windows:v1']);
});

test('the first failure is told when all else has ended, and nothing has the name', async () => {
  await using content = await labelledStore();
  const target = await imageFor(content, 'failing', AMD, ARM);
  let underWay = 0;
  let most = 0;
  const named: string[] = [];
  const pushing = pushImage({
    pusher: {
      async pushBlob(_name, _blob, _bytes, { signal } = {}) {
        most = Math.max(most, ++underWay);
        try {
          if (most === 2 && underWay === 2) throw new Fault('unavailable', 'gone');
          await new Promise((_, reject) =>
            signal?.addEventListener('abort', () => setTimeout(() => reject(signal.reason), 20)),
          );
          return 'sent';
        } finally {
          underWay--;
        }
      },
      async pushManifest(name) {
        named.push(name);
        return { state: 'sent' };
      },
    },
    content,
    name: 'registry.invalid/failing:v1',
    target,
    concurrency: 2,
  });
  await expect(pushing).rejects.toMatchObject({ kind: 'unavailable', message: 'gone' });
  expect({ underWay, most, named }).toEqual({ underWay: 0, most: 2, named: [] });
});

test('indexes that are too deep are refused', async () => {
  await using content = await labelledStore();
  let target = await imageFor(content, 'deep', AMD);
  for (let depth = 0; depth < 10; depth++)
    target = await document(content, MEDIA_TYPE.ociIndex, { schemaVersion: 2, manifests: [json(target)] });
  await expect(push(content, target, 'deep:v1')).rejects.toMatchObject({
    kind: 'resource_exhausted',
    message: expect.stringContaining('deep'),
  });
});

test('an abort gives its reason', async () => {
  await using content = await labelledStore();
  const target = await imageFor(content, 'aborted', AMD);
  const stop = new AbortController();
  const reason = new Error('enough');
  const pushing = push(content, target, 'aborted:v1', {
    signal: stop.signal,
    onProgress: () => stop.abort(reason),
  });
  await expect(pushing).rejects.toBe(reason);
  await expect(resolved('aborted:v1')).rejects.toMatchObject({ kind: 'not_found' });
});
