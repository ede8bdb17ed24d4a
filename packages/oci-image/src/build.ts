import { pipeline } from 'node:stream';
import { createGzip } from 'node:zlib';
import type { ContentStore } from '@stowage/content';
import {
  type CallOptions,
  type Descriptor,
  type Digest,
  Digester,
  hostPlatform,
  LABEL,
  type Labels,
  MEDIA_TYPE,
  type Platform,
} from '@stowage/core';
import { ingest } from './ingest.ts';
import { addLabels } from './label.ts';
import { type LayerSource, layerItems } from './layer-files.ts';
import { writeTar } from './tar-write.ts';
import { descriptorJson, platformJson, writeDocument } from './write-json.ts';

/** How the image wants to run, as it stands in its config (image-spec config.md). */
export interface ConfigJson {
  readonly User?: string;
  readonly Env?: readonly string[];
  readonly Entrypoint?: readonly string[];
  readonly Cmd?: readonly string[];
  readonly WorkingDir?: string;
  readonly StopSignal?: string;
  readonly Labels?: Labels;
  readonly ExposedPorts?: Readonly<Record<string, object>>;
  readonly Volumes?: Readonly<Record<string, object>>;
}

export interface BuildOptions extends CallOptions {
  /** From the base up; none makes an empty image. */
  readonly layers: readonly LayerSource[];
  readonly config?: ConfigJson | undefined;
  /** Default: this host's. */
  readonly platform?: Platform | undefined;
  /** Of the layers. Default: gzip. */
  readonly compression?: 'gzip' | 'none' | undefined;
  /** Stamped on the image. Default: the epoch, so that the same files always make the same image. */
  readonly created?: Date | undefined;
}

/**
 * Makes an OCI image of files and writes it into a content store.
 *
 * ```ts
 * const target = await buildImage(content, {
 *   layers: [[{ path: 'bin/busybox', source: '/bin/busybox' }, { path: 'bin/sh', link: 'busybox' }]],
 *   config: { Cmd: ['/bin/sh'] },
 * });
 * ```
 *
 * @returns its index: what an image of this content points at.
 */
export async function buildImage(content: BuildStore, options: BuildOptions): Promise<Descriptor> {
  const { platform = hostPlatform(), signal } = options;
  const layers: Descriptor[] = [];
  const diffIds: Digest[] = [];
  for (const source of options.layers) {
    const { layer, diffId } = await buildLayer(content, source, options);
    layers.push(layer);
    diffIds.push(diffId);
  }
  const write = (mediaType: string, document: object, children: readonly Descriptor[]) =>
    writeDocument(content, mediaType, document, children, { signal });
  const config = await write(MEDIA_TYPE.ociConfig, configJson(platform, diffIds, options), []);
  const manifest = {
    schemaVersion: 2,
    mediaType: MEDIA_TYPE.ociManifest,
    config: descriptorJson(config),
    layers: layers.map(descriptorJson),
  };
  const child = { ...(await write(MEDIA_TYPE.ociManifest, manifest, [config, ...layers])), platform };
  const index = { schemaVersion: 2, mediaType: MEDIA_TYPE.ociIndex, manifests: [descriptorJson(child)] };
  return write(MEDIA_TYPE.ociIndex, index, [child]);
}

type BuildStore = Pick<ContentStore, 'writer' | 'abort' | 'update'>;

/** Packs one layer into the store, compressed as asked for. */
export async function buildLayer(
  content: BuildStore,
  source: LayerSource,
  { compression = 'gzip', signal }: Pick<BuildOptions, 'compression' | 'signal'> = {},
): Promise<{ readonly layer: Descriptor; readonly diffId: Digest }> {
  const plain = new Digester();
  const archive = tap(writeTar(layerItems(source, { signal })), (chunk) => plain.update(chunk));
  const packed = await ingest(content, compression === 'gzip' ? gzip(archive) : archive, { signal });
  const mediaType = compression === 'gzip' ? MEDIA_TYPE.ociLayerGzip : MEDIA_TYPE.ociLayer;
  const diffId = plain.digest();
  await addLabels(content, packed.digest, { [LABEL.uncompressed]: diffId }, { signal });
  return { layer: { mediaType, ...packed }, diffId };
}

function configJson(platform: Platform, diffIds: readonly Digest[], options: BuildOptions): object {
  const { config = {}, created = new Date(0) } = options;
  const stamp = created.toISOString();
  return {
    created: stamp,
    ...platformJson(platform),
    config,
    rootfs: { type: 'layers', diff_ids: diffIds },
    history: diffIds.map(() => ({ created: stamp, created_by: 'stowage' })),
  };
}

async function* tap(
  chunks: AsyncIterable<Uint8Array>,
  see: (chunk: Uint8Array) => unknown,
): AsyncGenerator<Uint8Array> {
  for await (const chunk of chunks) {
    see(chunk);
    yield chunk;
  }
}

function gzip(chunks: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
  const packer = createGzip();
  // A failure at either end destroys the other, and comes out of the iteration.
  pipeline(chunks, packer, () => undefined);
  return packer;
}
