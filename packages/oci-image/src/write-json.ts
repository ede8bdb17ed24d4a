import { type ContentStore, writeBlob } from '@stowage/content';
import {
  type CallOptions,
  type Descriptor,
  digestOf,
  formatPlatform,
  type Labels,
  type Platform,
} from '@stowage/core';
import { childLabels } from './label.ts';
import { refOf } from './media-types.ts';

/** Writes a document, labelled with what it points at. */
export async function writeDocument(
  content: Pick<ContentStore, 'writer'>,
  mediaType: string,
  document: unknown,
  children: readonly Descriptor[],
  options: CallOptions = {},
): Promise<Descriptor> {
  return writeBytes(content, mediaType, Buffer.from(JSON.stringify(document)), children, options);
}

export async function writeBytes(
  content: Pick<ContentStore, 'writer'>,
  mediaType: string,
  bytes: Uint8Array,
  children: readonly Descriptor[],
  options: CallOptions = {},
): Promise<Descriptor> {
  const descriptor = { mediaType, digest: digestOf(bytes), size: BigInt(bytes.byteLength) };
  await writeBlob(content, refOf(descriptor), bytes, descriptor, {
    ...options,
    labels: childLabels(children),
  });
  return descriptor;
}

/** A descriptor as it stands in a document (image-spec descriptor.md). */
export function descriptorJson(descriptor: Descriptor): Readonly<Record<string, unknown>> {
  const { mediaType, digest, size, annotations, platform } = descriptor;
  return {
    mediaType,
    digest,
    size: Number(size),
    ...(annotations !== undefined &&
      Object.keys(annotations).length > 0 && { annotations: sorted(annotations) }),
    ...(platform !== undefined && { platform: platformJson(platform) }),
  };
}

export function platformJson(platform: Platform): Readonly<Record<string, unknown>> {
  const { os, architecture, variant, osVersion, osFeatures } = platform;
  return {
    architecture,
    os,
    ...(osVersion !== undefined && { 'os.version': osVersion }),
    ...(osFeatures !== undefined && osFeatures.length > 0 && { 'os.features': osFeatures }),
    ...(variant !== undefined && { variant }),
  };
}

/** For a message. */
export function nameOf(descriptor: Descriptor): string {
  const { platform, digest } = descriptor;
  return platform === undefined ? digest : `${digest} (${formatPlatform(platform)})`;
}

function sorted(labels: Labels): Labels {
  const result: Record<string, string> = Object.create(null);
  for (const key of Object.keys(labels).sort()) result[key] = labels[key] ?? '';
  return result;
}
