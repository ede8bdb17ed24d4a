import { readBlob } from '@stowage/content';
import { type CallOptions, type Descriptor, type Digest, Fault } from '@stowage/core';
import type { Compression } from '@stowage/diff/compression';
import { rewritten } from './convert-document.ts';
import { type ConversionStore, convertLayer, type LayerConversion } from './convert-layer.ts';
import { layerTypeFor } from './convert-types.ts';
import { MAX_MANIFEST_BYTES } from './documents.ts';
import { type ImagePart, type PartPlan, planPart } from './image-part.ts';
import { addLabels, childLabels } from './label.ts';
import { kindOf } from './media-types.ts';
import { parseIndex, parseManifest } from './parse.ts';
import { allSettled, Pool } from './pool.ts';
import type { OnProgress } from './progress.ts';
import { readConfig, readManifest } from './read.ts';
import { storedCompression } from './stored-compression.ts';
import { writeBytes } from './write-json.ts';

export interface ConvertOptions extends CallOptions {
  /** Both what is read and what is made. Hold the image meanwhile, and what is made until an image names it: by a lease. */
  readonly content: ConversionStore;
  readonly target: Descriptor;
  /** How layers are to be compressed. Default: as they are. */
  readonly compression?: Compression | undefined;
  /** Leaves layers that are compressed in another way as they are. Default: false. */
  readonly plainOnly?: boolean | undefined;
  /** 0 to 9 of gzip, 1 to 22 of zstd. Default: the library's own, 6 and 3. */
  readonly level?: number | undefined;
  /**
   * Gives what has Docker's media types those of OCI. Default: only where layers are compressed with zstd, which readers of
   * Docker's do not know.
   */
  readonly oci?: boolean | undefined;
  /** Which parts of an index are converted; the others are left out. As for `pushImage`; default `all`. */
  readonly part?: ImagePart | undefined;
  /** Most layers that are converted at a time. Default: 2. */
  readonly concurrency?: number | undefined;
  readonly onProgress?: OnProgress | undefined;
}

export interface ConvertedImage {
  /** What was asked for: the image's own target if that is it already. */
  readonly descriptor: Descriptor;
  /** What the image's index points at, and the new one does not. */
  readonly leftOut: readonly Descriptor[];
  /** Layers that were made, and such that are as they were. */
  readonly converted: number;
  readonly reused: number;
}

/**
 * Makes another form of an image: other compression, OCI's media types, fewer platforms. Configs stay, so what it unpacks to
 * and its image id are the same; of manifests and indexes all that tells nothing of their children stays, annotations
 * included. Layers that are no archives of files, encrypted or foreign stay.
 *
 * The same image converted in the same way comes out the same, as long as Node's zlib and zstd stay the same. What an
 * attestation says within is not changed: it names the manifest that was attested.
 *
 * @throws Fault `not_found` if something of it is not in the store; `failed_precondition` for a layer that is not what its
 *   config says; `invalid_argument` for damaged layers, malformed documents and levels that are none; `resource_exhausted`
 *   for too many documents.
 * @see containerd core/images/converter
 */
export async function convertImage(options: ConvertOptions): Promise<ConvertedImage> {
  const { content, target, compression, part = 'all', concurrency = 2, signal } = options;
  checkLevel(options);
  const toOci = options.oci ?? compression === 'zstd';
  const plan = await planPart(content, target, part, { purpose: 'convert', signal });
  const layers = compression === undefined ? [] : await layersOf(content, plan, { signal });
  const stop = new AbortController();
  const either = signal === undefined ? stop.signal : AbortSignal.any([signal, stop.signal]);
  const pool = new Pool(concurrency);
  const conversion = { ...options, signal: either };
  const changed = new Map<Digest, Descriptor>();
  const converting = layers.map((layer) => pool.run(() => convertOne(layer, conversion, changed)));
  const made = await allSettled(converting, () => stop.abort());
  for (const document of plan.documents.values()) {
    const descriptor = await convertDocument(content, plan, document, changed, toOci, { signal });
    if (descriptor !== undefined) changed.set(document.digest, descriptor);
  }
  const root = changed.get(plan.root.digest) ?? plan.root;
  const { mediaType, digest, size } = root;
  const converted = made.filter((isNew) => isNew).length;
  return {
    descriptor: root === target ? target : { mediaType, digest, size },
    leftOut: plan.leftOut,
    converted,
    reused: made.length - converted,
  };
}

interface Layer {
  readonly layer: Descriptor;
  readonly diffId: Digest;
}

/** Those that can be compressed otherwise, each once. */
async function layersOf(content: ConversionStore, plan: PartPlan, options: CallOptions): Promise<Layer[]> {
  const found = new Map<Digest, Layer>();
  for (const document of plan.documents.values()) {
    if (kindOf(document.mediaType) !== 'manifest') continue;
    const { config, layers } = await readManifest(content, document, options);
    if (kindOf(config.mediaType) !== 'config' || !layers.some(isArchive)) continue;
    const { diffIds } = await readConfig(content, config, options);
    if (diffIds.length !== layers.length) {
      throw new Fault(
        'failed_precondition',
        `convert ${document.digest}: it has ${layers.length} layers, and its config says ${diffIds.length}`,
      );
    }
    for (const [i, layer] of layers.entries())
      if (isArchive(layer)) found.set(layer.digest, { layer, diffId: diffIds[i] as Digest });
  }
  return [...found.values()];
}

const isArchive = ({ mediaType }: Descriptor) => layerTypeFor(mediaType, 'none') !== undefined;

/** @returns whether a layer was made. */
async function convertOne(
  { layer, diffId }: Layer,
  conversion: Omit<LayerConversion, 'compression'> & Pick<ConvertOptions, 'compression' | 'plainOnly'>,
  changed: Map<Digest, Descriptor>,
): Promise<boolean> {
  const { content, plainOnly = false, signal } = conversion;
  signal.throwIfAborted();
  const stored = plainOnly ? await storedCompression(content, layer, { signal }) : 'none';
  const compression = stored === 'none' ? (conversion.compression ?? 'none') : stored;
  const made = await convertLayer(layer, diffId, { ...conversion, compression });
  const mediaType = layerTypeFor(layer.mediaType, compression) ?? layer.mediaType;
  // What was called by a wrong type is called by the right one.
  if (made !== undefined || mediaType !== layer.mediaType)
    changed.set(layer.digest, { ...layer, ...made, mediaType });
  return made !== undefined;
}

/** @returns none if it stays. */
async function convertDocument(
  content: ConversionStore,
  { root, rootBytes }: PartPlan,
  document: Descriptor,
  changed: ReadonlyMap<Digest, Descriptor>,
  toOci: boolean,
  options: CallOptions,
): Promise<Descriptor | undefined> {
  const isNew = rootBytes !== undefined && document.digest === root.digest;
  const bytes = isNew
    ? rootBytes
    : await readBlob(content, document, { maxBytes: MAX_MANIFEST_BYTES, ...options });
  const after = rewritten(bytes, document.mediaType, changed, toOci);
  if (after === undefined && !isNew) return undefined;
  const { mediaType, bytes: written } = after ?? { mediaType: document.mediaType, bytes };
  const children = childrenIn(written, mediaType);
  const descriptor = await writeBytes(content, mediaType, written, children, options);
  // Where the very same was there already, perhaps without them.
  await addLabels(content, descriptor.digest, childLabels(children), options);
  return { ...document, ...descriptor };
}

function childrenIn(bytes: Uint8Array, mediaType: string): readonly Descriptor[] {
  if (kindOf(mediaType) === 'index') return parseIndex(bytes, mediaType).manifests;
  const { config, layers } = parseManifest(bytes, mediaType);
  return [config, ...layers];
}

function checkLevel({ compression, level }: ConvertOptions): void {
  if (level === undefined) return;
  const most = compression === 'zstd' ? 22 : 9;
  const least = compression === 'zstd' ? 1 : 0;
  if (compression === undefined || compression === 'none')
    throw new Fault('invalid_argument', `convert: level ${level} is given, and nothing to compress with`);
  if (!Number.isInteger(level) || level < least || level > most)
    throw new Fault(
      'invalid_argument',
      `convert: ${compression} has levels ${least} to ${most}, not ${level}`,
    );
}
