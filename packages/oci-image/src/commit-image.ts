import { type ContentStore, readBlob } from '@stowage/content';
import {
  type CallOptions,
  type Descriptor,
  type Digest,
  Fault,
  MEDIA_TYPE,
  type Platform,
} from '@stowage/core';
import type { ConfigJson } from './build.ts';
import { chooseManifest } from './choose.ts';
import { ociType } from './convert-types.ts';
import { MAX_CONFIG_BYTES } from './documents.ts';
import { descriptorJson, writeDocument } from './write-json.ts';

export interface CommitImageOptions extends CallOptions {
  /** What comes on top of the base. */
  readonly layer: Descriptor;
  /** Digest of the layer uncompressed. */
  readonly diffId: Digest;
  /** Of the image that is built upon. */
  readonly platform: Platform;
  readonly created: Date;
  readonly author?: string | undefined;
  /** Noted in the history. */
  readonly comment?: string | undefined;
  readonly createdBy?: string | undefined;
  /** How the new image wants to run, as it stands in its config, made of the base's. */
  readonly change?: ((config: ConfigJson) => ConfigJson) | undefined;
}

/** Fields of a config that are read here; whatever else it has is kept. */
interface ConfigDocument {
  readonly config?: ConfigJson;
  readonly rootfs?: { readonly type?: string; readonly diff_ids?: readonly string[] };
  readonly history?: readonly object[];
  readonly [more: string]: unknown;
}

/**
 * Writes an OCI image that has one layer more than another, for one platform. What it writes is held by the lease that the
 * store is used under, and by nothing else until the image has a name.
 *
 * @param base - an image or index.
 * @returns its manifest.
 * @throws Fault `not_found` if the base has nothing for the platform; `invalid_argument` if its config is no object.
 * @see containerd's nerdctl pkg/imgutil/commit
 */
export async function commitImage(
  content: Pick<ContentStore, 'info' | 'read' | 'writer'>,
  base: Descriptor,
  options: CommitImageOptions,
): Promise<Descriptor> {
  const { layer, platform, signal } = options;
  const { manifest } = await chooseManifest(content, base, platform, { signal });
  const bytes = await readBlob(content, manifest.config, { maxBytes: MAX_CONFIG_BYTES, signal });
  const before = parseDocument(bytes, manifest.config.digest);
  const config = await writeDocument(content, MEDIA_TYPE.ociConfig, configOf(before, options), [], {
    signal,
  });
  const layers = [...manifest.layers.map(asOci), layer];
  const document = {
    schemaVersion: 2,
    mediaType: MEDIA_TYPE.ociManifest,
    config: descriptorJson(config),
    layers: layers.map(descriptorJson),
  };
  const written = await writeDocument(content, MEDIA_TYPE.ociManifest, document, [config, ...layers], {
    signal,
  });
  return { ...written, platform };
}

function asOci(layer: Descriptor): Descriptor {
  return { ...layer, mediaType: ociType(layer.mediaType) };
}

function configOf(before: ConfigDocument, options: CommitImageOptions): ConfigDocument {
  const { diffId, created, author, comment, createdBy, change = (same) => same } = options;
  const stamp = created.toISOString();
  const step = {
    created: stamp,
    ...(createdBy !== undefined && { created_by: createdBy }),
    ...(author !== undefined && { author }),
    ...(comment !== undefined && { comment }),
  };
  return {
    ...before,
    created: stamp,
    ...(author !== undefined && { author }),
    config: change(before.config ?? {}),
    rootfs: { type: 'layers', diff_ids: [...(before.rootfs?.diff_ids ?? []), diffId] },
    history: [...(before.history ?? []), step],
  };
}

function parseDocument(bytes: Uint8Array, digest: Digest): ConfigDocument {
  const fail = (cause?: unknown) =>
    new Fault('invalid_argument', `read image config ${digest}: it is no JSON object`, { cause });
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(bytes).toString());
  } catch (e) {
    throw fail(e);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw fail();
  return value as ConfigDocument;
}
