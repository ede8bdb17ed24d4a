import type { ContentStore } from '@stowage/content';
import { type CallOptions, type Descriptor, type Digest, hostPlatform, type Platform } from '@stowage/core';
import type { ChosenManifest } from './choose.ts';
import type { BlobDownloads } from './downloads.ts';
import { type BlobSource, fetchBlob } from './fetch-blob.ts';
import { fetchMetadata } from './fetch-metadata.ts';
import type { Fetcher } from './fetcher.ts';
import { allSettled, Pool } from './pool.ts';
import type { OnProgress } from './progress.ts';

export interface FetchImageOptions extends CallOptions {
  readonly fetcher: Fetcher;
  readonly content: ContentStore;
  /** What was resolved: `host/repository[:tag][@digest]`, and what it stands for. */
  readonly name: string;
  readonly descriptor: Descriptor;
  /** For each, the manifest that suits it best. Default: this host's. */
  readonly platforms?: readonly Platform[] | 'all' | undefined;
  /**
   * Whether to bring the manifests and configs of the other platforms too, without their layers, so that the image can be
   * pushed to where those are. Default: `chosen`, no.
   */
  readonly metadata?: 'chosen' | 'all' | undefined;
  /** Most manifests to take out of an index, in the order of the platforms. Then none of others. Default: no limit. */
  readonly manifestLimit?: number | undefined;
  /** Most layers that are transferred at a time. Default: 3. */
  readonly concurrency?: number | undefined;
  readonly onProgress?: OnProgress | undefined;
  /** See {@link BlobSource}. */
  readonly downloads?: BlobDownloads | undefined;
}

export interface FetchedImage {
  /** One for each platform that there is one for. */
  readonly manifests: readonly ChosenManifest[];
}

/**
 * Brings an image into a content store: its indexes and manifests, then configs and layers. What is there already is
 * not transferred; what was begun goes on.
 *
 * The blobs are named by no image yet. Hold them by a lease until one is made, or they may be collected.
 *
 * @throws Fault `not_found` if there is no manifest for any of the platforms; `invalid_argument` for documents that
 *   are malformed or ambiguous; `resource_exhausted` for documents too large or too many; `failed_precondition` for
 *   bytes that do not fit their digest; whatever the fetcher throws.
 */
export async function fetchImage(options: FetchImageOptions): Promise<FetchedImage> {
  const { platforms = [hostPlatform()], concurrency } = options;
  const manifests = await fetchMetadata(options, options.descriptor, platforms, options);
  using layers = new LayerFetches(options, concurrency);
  const all = manifests.flatMap(({ manifest }) => manifest.layers);
  await allSettled(
    all.map((layer) => layers.fetch(layer)),
    () => layers.stop(),
  );
  return { manifests };
}

/**
 * Layers on their way, each once, in the order in which they were first asked for. A part of {@link fetchImage}, for pulls
 * of another shape; {@link LayerFetches.drain} it at the end.
 */
export class LayerFetches implements Disposable {
  readonly #source: BlobSource;
  readonly #pool: Pool;
  readonly #stop = new AbortController();
  readonly #underWay = new Map<Digest, Promise<void>>();

  constructor(source: BlobSource, concurrency = 3) {
    const { signal } = source;
    const either = signal === undefined ? this.#stop.signal : AbortSignal.any([signal, this.#stop.signal]);
    this.#source = { ...source, signal: either };
    this.#pool = new Pool(concurrency);
  }

  fetch(layer: Descriptor): Promise<void> {
    const known = this.#underWay.get(layer.digest);
    if (known !== undefined) return known;
    const work = this.#pool.run(() => {
      this.#source.signal?.throwIfAborted();
      return fetchBlob(this.#source, layer);
    });
    // Heard by whoever waits for the layer, but that may be later.
    work.catch(() => undefined);
    this.#underWay.set(layer.digest, work);
    return work;
  }

  /** Ends all that is under way and waits for it. */
  async drain(): Promise<void> {
    this.stop();
    await Promise.allSettled(this.#underWay.values());
  }

  stop(): void {
    this.#stop.abort();
  }

  [Symbol.dispose](): void {
    this.stop();
  }
}
