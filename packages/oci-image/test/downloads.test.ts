import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from '@jest/globals';
import type { ContentStore } from '@stowage/content';
import { type Descriptor, type Digest, Fault } from '@stowage/core';
import { type BlobDownloads, buildImage, Downloads, type Fetcher, fetchImage, refOf } from '../src/index.ts';
import { type LabelledStore, labelledStore } from './support/store.ts';

const amd64 = { os: 'linux', architecture: 'amd64' } as const;
const name = 'localhost:5000/some/where:v1';
const LAYER_BYTES = 6_000_000;
const CHUNK_BYTES = 65_536;

/** One large layer. */
function imageIn(store: LabelledStore): Promise<Descriptor> {
  const layers = [[{ path: 'x', data: 'y'.repeat(LAYER_BYTES) }]];
  return buildImage(store, { platform: amd64, compression: 'none', layers });
}

interface Source extends Fetcher {
  /** Offsets at which blobs were asked for. */
  readonly asked: Map<Digest, bigint[]>;
  /** Settles when half of the layer was sent. */
  readonly half: Promise<void>;
  /** Lets the other half go. */
  open(): void;
}

/** Serves what a store has, and stops in the middle of a layer until it is opened. */
function stopping(store: LabelledStore): Source {
  const asked = new Map<Digest, bigint[]>();
  const half = Promise.withResolvers<void>();
  const opened = Promise.withResolvers<void>();
  return {
    asked,
    half: half.promise,
    open: opened.resolve,
    async *fetch(_, descriptor, { offset = 0n, signal } = {}) {
      const { digest } = descriptor;
      asked.set(digest, [...(asked.get(digest) ?? []), offset]);
      const isLayer = refOf(descriptor).startsWith('layer');
      let sent = Number(offset);
      for await (const chunk of store.read(digest, { offset })) {
        for (let at = 0; at < chunk.byteLength; at += CHUNK_BYTES) {
          signal?.throwIfAborted();
          yield chunk.subarray(at, at + CHUNK_BYTES);
          sent += CHUNK_BYTES;
          if (!isLayer || sent < LAYER_BYTES / 2) continue;
          half.resolve();
          const stopped = new Promise<never>((_, reject) =>
            signal?.addEventListener('abort', () => reject(signal.reason)),
          );
          await Promise.race([opened.promise, stopped]);
        }
      }
    },
  };
}

/** In one process, told of each other; and as if in two, which have only the store in common. */
const APART: ReadonlyArray<[string, () => BlobDownloads | undefined]> = [
  ['in one process', () => new Downloads().into('')],
  ['in two', () => undefined],
];

test.each(APART)(
  'ten that want the same image have each blob brought once, and see it come: %s',
  async (_, make) => {
    await using remote = await labelledStore();
    await using content = await labelledStore();
    const descriptor = await imageIn(remote);
    const fetcher = stopping(remote);
    const downloads = make();
    const seen = new Set<number>();
    const watched = Promise.withResolvers<void>();
    const pulls = Array.from({ length: 10 }, (_, i) =>
      fetchImage({
        ...{ fetcher, content, name, descriptor, platforms: [amd64], downloads },
        onProgress({ stage, descriptor: { mediaType, digest }, state, bytes }) {
          if (!refOf({ mediaType, digest }).startsWith('layer')) return;
          if (stage === 'fetch' && state === 'running' && bytes > 0n) seen.add(i);
          if (seen.size === 10) watched.resolve();
        },
      }),
    );
    await fetcher.half;
    await watched.promise;
    fetcher.open();
    await Promise.all(pulls);
    // Index, manifest, config and layer.
    expect([...fetcher.asked.values()]).toEqual([[0n], [0n], [0n], [0n]]);
    expect(await content.refs()).toEqual([]);
  },
);

test.each(APART)('what the first gives up, the second takes over where it was: %s', async (_, make) => {
  await using remote = await labelledStore();
  await using content = await labelledStore();
  const descriptor = await imageIn(remote);
  const fetcher = stopping(remote);
  const shared = { fetcher, content, name, descriptor, platforms: [amd64], downloads: make() };
  const stop = new AbortController();
  const reason = new Error('enough');
  const first = fetchImage({ ...shared, signal: stop.signal });
  await fetcher.half;
  const follows = Promise.withResolvers<void>();
  const second = fetchImage({
    ...shared,
    onProgress: ({ bytes }) => bytes > 1_000_000n && follows.resolve(),
  });
  await follows.promise;
  stop.abort(reason);
  await expect(first).rejects.toBe(reason);
  fetcher.open();
  await second;
  const [, resumed] = [...fetcher.asked.values()].find((offsets) => offsets.length > 1) ?? [];
  expect(resumed).toBeGreaterThan(1_000_000n);
  expect([...fetcher.asked.values()].flat()).toHaveLength(5);
});

test('who follows in one process does not ask the store again and again', async () => {
  await using remote = await labelledStore();
  await using content = await labelledStore();
  const descriptor = await imageIn(remote);
  const fetcher = stopping(remote);
  const shared = { fetcher, name, descriptor, platforms: [amd64], downloads: new Downloads().into('') };
  const first = fetchImage({ ...shared, content });
  await fetcher.half;
  const asked: string[] = [];
  const counted: ContentStore = {
    ...content,
    writer: (options) => {
      if (options.ref.startsWith('layer')) asked.push('writer');
      return content.writer(options);
    },
    status: (ref, options) => {
      asked.push('status');
      return content.status(ref, options);
    },
  };
  const second = fetchImage({ ...shared, content: counted });
  while (asked.length === 0) await sleep(5);
  // Many times as long as anybody would wait before asking.
  await sleep(200);
  fetcher.open();
  await Promise.all([first, second]);
  expect(asked).toEqual(['writer', 'writer']);
});

test('who only follows may give up, or fail, without harm to the others', async () => {
  await using remote = await labelledStore();
  await using content = await labelledStore();
  const descriptor = await imageIn(remote);
  const fetcher = stopping(remote);
  const shared = {
    fetcher,
    content,
    name,
    descriptor,
    platforms: [amd64],
    downloads: new Downloads().into(''),
  };
  const first = fetchImage(shared);
  await fetcher.half;
  const stop = new AbortController();
  const reason = new Error('enough');
  const aborted = fetchImage({
    ...shared,
    signal: stop.signal,
    onProgress: ({ bytes }) => bytes > 1_000_000n && stop.abort(reason),
  });
  await expect(aborted).rejects.toBe(reason);
  const failure = new Fault('internal', 'nobody looks');
  let tellings = 0;
  const failing = fetchImage({
    ...shared,
    onProgress({ descriptor: about, state }) {
      if (state === 'running' && refOf(about).startsWith('layer') && ++tellings === 2) throw failure;
    },
  });
  const outcome = failing.catch((e: unknown) => e);
  while (tellings === 0) await sleep(5);
  fetcher.open();
  expect(await outcome).toBe(failure);
  await first;
  expect([...fetcher.asked.values()].flat()).toEqual([0n, 0n, 0n, 0n]);
});
