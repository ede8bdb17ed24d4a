import type { ContentStore } from '@stowage/content';
import { type CallOptions, type Descriptor, type Digest, Fault, LABEL, type Logger } from '@stowage/core';
import type { Differ } from '@stowage/diff';
import type { Snapshotter } from '@stowage/snapshots';
import { chainIds } from './chain-ids.ts';
import type { ImageConfig, ImageManifest } from './documents.ts';
import { addLabels } from './label.ts';
import type { Layer } from './layer-snapshot.ts';
import { LayerUnpack } from './layer-unpack.ts';
import type { OnProgress } from './progress.ts';
import { readConfig } from './read.ts';
import { unpackApart } from './unpack-apart.ts';

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
  /**
   * Layers unpacked at a time. More than one only if the snapshotter has the capability `rebase`: each layer is then
   * unpacked by itself and committed onto the one below, and those that can't be are unpacked again, on it. Default 1.
   *
   * Only `@stowage/diff` tells of all that can't be.
   */
  readonly concurrency?: number | undefined;
  readonly onProgress?: OnProgress | undefined;
  readonly log?: Logger | undefined;
}

export interface UnpackedImage {
  readonly config: ImageConfig;
  /** Name of the snapshot of the whole image: the parent for a container's. None for an image without layers. */
  readonly chainId: Digest | undefined;
}

/**
 * Makes the snapshots of an image, one for each layer, named by its chain id. What exists is not made again, and of
 * two that make the same one, both succeed.
 *
 * @throws Fault `not_found` if a blob is missing; `failed_precondition` if a layer does not unpack to what the config
 *   says, or there are more or fewer of them; its snapshot is removed.
 * @see containerd core/unpack/unpacker.go
 */
export async function unpackImage(options: UnpackOptions): Promise<UnpackedImage> {
  const { content, snapshotterName, manifest, concurrency = 1, signal } = options;
  const config = await readConfig(content, manifest.config, { signal });
  if (config.diffIds.length !== manifest.layers.length) {
    throw new Fault(
      'failed_precondition',
      `unpack ${manifest.config.digest}: it names ${config.diffIds.length} layers, and its manifest ${manifest.layers.length}`,
    );
  }
  const chain = chainIds(config.diffIds);
  const layers = manifest.layers.map((blob, i): Layer => {
    const [diffId, chainId] = [config.diffIds[i] as Digest, chain[i] as Digest];
    return { blob, diffId, chainId, parent: chain[i - 1] ?? '' };
  });
  const unpack = new LayerUnpack(options);
  if (concurrency > 1) await unpackApart(layers, unpack, concurrency, signal);
  else for (const [i, layer] of layers.entries()) await unpack.onParent(layer, i, { signal });
  const chainId = chain.at(-1);
  if (chainId !== undefined) {
    // Last, because an image counts as unpacked as soon as this is there.
    const kept = { [`${LABEL.gcRefSnapshot}.${snapshotterName}`]: chainId };
    await addLabels(content, manifest.config.digest, kept, { signal });
  }
  return { config, chainId };
}
