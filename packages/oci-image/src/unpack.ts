import { randomBytes } from 'node:crypto';
import type { ContentStore } from '@stowage/content';
import {
  type CallOptions,
  type Descriptor,
  type Digest,
  Fault,
  LABEL,
  type Labels,
  type Logger,
  type Mount,
  reasonOf,
  silentLogger,
} from '@stowage/core';
import type { Differ } from '@stowage/diff';
import type { Snapshotter } from '@stowage/snapshots';
import { chainIds } from './chain-ids.ts';
import type { ImageConfig, ImageManifest } from './documents.ts';
import { addLabels } from './label.ts';
import type { OnProgress } from './progress.ts';
import { readConfig } from './read.ts';

export interface UnpackOptions extends CallOptions {
  readonly content: ContentStore;
  readonly snapshotter: Snapshotter;
  /** Names the snapshotter in the label that keeps the snapshots while the image is kept. */
  readonly snapshotterName: string;
  readonly differ: Differ;
  /** See `chooseManifest`. */
  readonly manifest: ImageManifest;
  /** Asked before a layer is applied, and never for one whose snapshot is there; settles when its blob is. */
  readonly ready?: ((layer: Descriptor, index: number) => Promise<void>) | undefined;
  readonly onProgress?: OnProgress | undefined;
  readonly log?: Logger | undefined;
}

export interface UnpackedImage {
  readonly config: ImageConfig;
  /** Name of the snapshot of the whole image: the parent for a container's. None for an image without layers. */
  readonly chainId: Digest | undefined;
}

interface Layer {
  readonly blob: Descriptor;
  readonly diffId: Digest;
  readonly chainId: Digest;
  readonly parent: string;
}

/** Times that a snapshot said to exist may turn out to be gone. */
const MAX_TRIES = 3;

/**
 * Makes the snapshots of an image, one for each layer, named by its chain id. What exists is not made again, and of
 * two that make the same one, both succeed.
 *
 * @throws Fault `not_found` if a blob is missing; `failed_precondition` if a layer does not unpack to what the config
 *   says, or there are more or fewer of them; its snapshot is removed.
 * @see containerd core/unpack/unpacker.go
 */
export async function unpackImage(options: UnpackOptions): Promise<UnpackedImage> {
  const { content, snapshotterName, manifest, signal } = options;
  const config = await readConfig(content, manifest.config, { signal });
  if (config.diffIds.length !== manifest.layers.length) {
    throw new Fault(
      'failed_precondition',
      `unpack ${manifest.config.digest}: it names ${config.diffIds.length} layers, and its manifest ${manifest.layers.length}`,
    );
  }
  const chain = chainIds(config.diffIds);
  for (const [i, blob] of manifest.layers.entries()) {
    const [diffId, chainId] = [config.diffIds[i], chain[i]];
    if (diffId === undefined || chainId === undefined) break;
    await unpackLayer({ blob, diffId, chainId, parent: chain[i - 1] ?? '' }, i, options);
  }
  const chainId = chain.at(-1);
  if (chainId !== undefined) {
    // Last, because an image counts as unpacked as soon as this is there.
    const kept = { [`${LABEL.gcRefSnapshot}.${snapshotterName}`]: chainId };
    await addLabels(content, manifest.config.digest, kept, { signal });
  }
  return { config, chainId };
}

async function unpackLayer(layer: Layer, index: number, options: UnpackOptions): Promise<void> {
  const { content, snapshotter, differ, ready, onProgress, log = silentLogger, signal } = options;
  const { blob, diffId } = layer;
  const progress = (state: 'running' | 'done' | 'exists', bytes: bigint) =>
    onProgress?.({ stage: 'unpack', descriptor: blob, state, bytes });
  const prepared = await prepare(layer, options);
  if (prepared === undefined) {
    progress('exists', blob.size);
    return;
  }
  let committed = false;
  try {
    await ready?.(blob, index);
    progress('running', 0n);
    const onBytes = (bytes: bigint) => progress('running', bytes);
    const unpacked = await differ.apply(blob, prepared.mounts, { signal, onProgress: onBytes });
    if (unpacked.digest !== diffId) {
      throw new Fault(
        'failed_precondition',
        `unpack ${blob.digest}: it holds ${unpacked.digest}, and the config says ${diffId}`,
      );
    }
    committed = await commit(snapshotter, layer, prepared.key, signal);
  } finally {
    if (!committed) await remove(snapshotter, prepared.key, log);
  }
  await addLabels(content, blob.digest, { [LABEL.uncompressed]: diffId }, { signal });
  progress('done', blob.size);
}

/**
 * What snapshotters are told of a layer. Annotations of its descriptor are not handed on: an image must not choose, say,
 * who owns its files.
 */
function snapshotLabels({ chainId, diffId, parent }: Layer): Labels {
  return {
    [LABEL.snapshotRef]: chainId,
    [`${LABEL.snapshotPrefix}diff-id`]: diffId,
    ...(parent !== '' && { [`${LABEL.snapshotPrefix}parent-chain-id`]: parent }),
  };
}

/** @returns none if the layer's snapshot is there. */
async function prepare(
  layer: Layer,
  { snapshotter, log = silentLogger, signal }: UnpackOptions,
): Promise<{ readonly key: string; readonly mounts: readonly Mount[] } | undefined> {
  const { chainId, parent } = layer;
  const labels = snapshotLabels(layer);
  for (let tries = 1; ; tries++) {
    const key = unpackKey(chainId);
    let mounts: readonly Mount[];
    try {
      mounts = await snapshotter.prepare(key, parent, { labels, signal });
    } catch (e) {
      if (!Fault.is(e, 'already_exists')) throw e;
      if (await exists(snapshotter, chainId, signal)) return undefined;
      if (tries >= MAX_TRIES) throw e;
      continue;
    }
    // A snapshotter without the metadata service does not heed the label.
    if (!(await exists(snapshotter, chainId, signal))) return { key, mounts };
    await remove(snapshotter, key, log);
    return undefined;
  }
}

/** @returns false if somebody else was first, which is as good, but leaves our key. */
async function commit(
  snapshotter: Snapshotter,
  layer: Layer,
  key: string,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  try {
    await snapshotter.commit(layer.chainId, key, { labels: snapshotLabels(layer), signal });
    return true;
  } catch (e) {
    if (Fault.is(e, 'already_exists')) return false;
    throw e;
  }
}

async function exists(
  snapshotter: Snapshotter,
  name: string,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  try {
    await snapshotter.stat(name, { signal });
    return true;
  } catch (e) {
    if (Fault.is(e, 'not_found')) return false;
    throw e;
  }
}

/** Not given up when the caller gives up, because nobody else knows the key. */
async function remove(snapshotter: Snapshotter, key: string, log: Logger): Promise<void> {
  try {
    await snapshotter.remove(key);
  } catch (e) {
    // What made the snapshot useless is the failure to tell; this one leaves garbage that a lease still holds.
    log.warn({ key, error: reasonOf(e) }, 'remove snapshot that was not unpacked');
  }
}

/** The form that tools know a running unpack by: `extract-<nanoseconds>-<random> <chain id>`. */
function unpackKey(chainId: Digest): string {
  const nanoseconds = process.hrtime.bigint() % 1_000_000_000n;
  return `extract-${nanoseconds}-${randomBytes(3).toString('base64url')} ${chainId}`;
}
