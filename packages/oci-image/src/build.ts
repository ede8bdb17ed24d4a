import { pipeline } from 'node:stream';
import { createGzip } from 'node:zlib';
import type { ContentStore } from '@stowage/content';
import {
  type CallOptions,
  type Descriptor,
  type Digest,
  Digester,
  hostPlatform,
  type Labels,
  MEDIA_TYPE,
  type Platform,
} from '@stowage/core';
import type { ContainerConfig } from './documents.ts';
import { ingest } from './ingest.ts';
import { addLabels } from './label.ts';
import { type LayerSource, layerItems } from './layer-files.ts';
import { writeTar } from './tar-write.ts';
import { descriptorJson, platformJson, writeDocument } from './write-json.ts';

export interface BuildOptions extends CallOptions {
  /** From the base up; none makes an empty image. */
  readonly layers: readonly LayerSource[];
  readonly config?: Partial<ContainerConfig> | undefined;
  /** Default: this host's. */
  readonly platform?: Platform | undefined;
  /** What it is to be called where it is imported: `docker.io/library/demo:latest`. */
  readonly name?: string | undefined;
  /** Of the layers. Default: gzip. */
  readonly compression?: 'gzip' | 'none' | undefined;
  /** Stamped on the image. Default: the epoch, so that the same files always make the same image. */
  readonly created?: Date | undefined;
}

export interface BuiltImage {
  readonly name: string | undefined;
  /** The index: what an image of this name points at. */
  readonly target: Descriptor;
  readonly manifest: Descriptor;
  readonly config: Descriptor;
  readonly layers: readonly Descriptor[];
  readonly diffIds: readonly Digest[];
}

/**
 * Makes an OCI image of files and writes it into a content store.
 *
 * ```ts
 * const image = await buildImage(content, {
 *   name: 'docker.io/library/demo:latest',
 *   layers: [{ files: [{ path: 'bin/busybox', file: '/bin/busybox', mode: 0o755 }] }],
 *   config: { cmd: ['/bin/busybox', 'echo', 'hello'] },
 * });
 * ```
 */
export async function buildImage(
  content: Pick<ContentStore, 'writer' | 'abort' | 'update'>,
  options: BuildOptions,
): Promise<BuiltImage> {
  const { platform = hostPlatform(), name, signal } = options;
  const layers: Descriptor[] = [];
  const diffIds: Digest[] = [];
  for (const source of options.layers) {
    const { layer, diffId } = await buildLayer(content, source, options);
    layers.push(layer);
    diffIds.push(diffId);
  }
  const config = await writeDocument(
    content,
    MEDIA_TYPE.ociConfig,
    configJson(platform, diffIds, options),
    [],
    { signal },
  );
  const manifest = await writeDocument(
    content,
    MEDIA_TYPE.ociManifest,
    {
      schemaVersion: 2,
      mediaType: MEDIA_TYPE.ociManifest,
      config: descriptorJson(config),
      layers: layers.map(descriptorJson),
    },
    [config, ...layers],
    { signal },
  );
  const child = { ...manifest, platform };
  const index = { schemaVersion: 2, mediaType: MEDIA_TYPE.ociIndex, manifests: [descriptorJson(child)] };
  const target = await writeDocument(content, MEDIA_TYPE.ociIndex, index, [child], { signal });
  return { name, target, manifest: child, config, layers, diffIds };
}

/** Packs one layer into the store, compressed as asked for. */
export async function buildLayer(
  content: Pick<ContentStore, 'writer' | 'abort' | 'update'>,
  source: LayerSource,
  { compression = 'gzip', signal }: Pick<BuildOptions, 'compression' | 'signal'> = {},
): Promise<{ readonly layer: Descriptor; readonly diffId: Digest }> {
  const plain = new Digester();
  const archive = tap(writeTar(layerItems(source, { signal })), (chunk) => plain.update(chunk));
  const packed = await ingest(content, compression === 'gzip' ? gzip(archive) : archive, { signal });
  const mediaType = compression === 'gzip' ? MEDIA_TYPE.ociLayerGzip : MEDIA_TYPE.ociLayer;
  const diffId = plain.digest();
  await addLabels(content, packed.digest, { 'containerd.io/uncompressed': diffId }, { signal });
  return { layer: { mediaType, ...packed }, diffId };
}

function configJson(platform: Platform, diffIds: readonly Digest[], options: BuildOptions): unknown {
  const { config = {}, created = new Date(0) } = options;
  const stamp = created.toISOString();
  const said = <T>(key: string, value: T, empty: boolean) => (empty ? {} : { [key]: value });
  const set = (key: string, names: readonly string[] = []) =>
    said(key, Object.fromEntries(names.map((name) => [name, {}])), names.length === 0);
  const list = (key: string, items: readonly string[] = []) => said(key, items, items.length === 0);
  const text = (key: string, value = '') => said(key, value, value === '');
  const labels: Labels = config.labels ?? {};
  return {
    created: stamp,
    ...platformJson(platform),
    config: {
      ...text('User', config.user),
      ...set('ExposedPorts', config.exposedPorts),
      ...list('Env', config.env),
      ...list('Entrypoint', config.entrypoint),
      ...list('Cmd', config.cmd),
      ...set('Volumes', config.volumes),
      ...text('WorkingDir', config.workingDir),
      ...said('Labels', labels, Object.keys(labels).length === 0),
      ...text('StopSignal', config.stopSignal),
    },
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
