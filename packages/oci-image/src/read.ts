import { type ContentStore, readBlob } from '@stowage/content';
import { type CallOptions, type Descriptor, Fault } from '@stowage/core';
import {
  type ImageConfig,
  type ImageIndex,
  type ImageManifest,
  MAX_CONFIG_BYTES,
  MAX_MANIFEST_BYTES,
} from './documents.ts';
import { kindOf } from './media-types.ts';
import { parseConfig, parseIndex, parseManifest, schema1 } from './parse.ts';

/** As much of a store as is needed to look at images. */
export type ContentReader = Pick<ContentStore, 'info' | 'read'>;

/** @throws Fault `not_found`; `invalid_argument` as {@link parseIndex}. */
export async function readIndex(
  content: ContentReader,
  descriptor: Descriptor,
  options?: CallOptions,
): Promise<ImageIndex> {
  return parseIndex(await bytesOf(content, descriptor, MAX_MANIFEST_BYTES, options), descriptor.mediaType);
}

/** @throws Fault `not_found`; `invalid_argument` as {@link parseManifest}. */
export async function readManifest(
  content: ContentReader,
  descriptor: Descriptor,
  options?: CallOptions,
): Promise<ImageManifest> {
  return parseManifest(await bytesOf(content, descriptor, MAX_MANIFEST_BYTES, options), descriptor.mediaType);
}

/** @throws Fault `not_found`; `invalid_argument` as {@link parseConfig}. */
export async function readConfig(
  content: ContentReader,
  descriptor: Descriptor,
  options?: CallOptions,
): Promise<ImageConfig> {
  return parseConfig(await bytesOf(content, descriptor, MAX_CONFIG_BYTES, options));
}

/**
 * What a blob points at directly: an index at its manifests, a manifest at its config and layers, in this order. A
 * blob of any other type points at nothing.
 *
 * @throws Fault `not_found` if the blob is not in the store; `invalid_argument` if it is malformed.
 */
export async function childrenOf(
  content: ContentReader,
  descriptor: Descriptor,
  options?: CallOptions,
): Promise<readonly Descriptor[]> {
  switch (kindOf(descriptor.mediaType)) {
    case 'index':
      return (await readIndex(content, descriptor, options)).manifests;
    case 'manifest': {
      const { config, layers } = await readManifest(content, descriptor, options);
      return [config, ...layers];
    }
    default:
      if (descriptor.mediaType.startsWith('application/vnd.docker.distribution.manifest.v1')) throw schema1();
      return [];
  }
}

async function bytesOf(
  content: ContentReader,
  descriptor: Descriptor,
  maxBytes: number,
  options: CallOptions = {},
): Promise<Uint8Array> {
  const bytes = await readBlob(content, descriptor, { maxBytes, ...options });
  if (BigInt(bytes.byteLength) !== descriptor.size) {
    throw new Fault(
      'invalid_argument',
      `read ${descriptor.digest}: ${bytes.byteLength} bytes, and what points at it says ${descriptor.size}`,
    );
  }
  return bytes;
}
