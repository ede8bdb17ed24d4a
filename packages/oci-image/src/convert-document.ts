import type { Descriptor, Digest, Labels } from '@stowage/core';
import { ociType } from './convert-types.ts';
import { descriptorJson } from './write-json.ts';

/** On what BuildKit attests: the digest of the manifest that it is about. */
const ABOUT = 'vnd.docker.reference.digest';

/** They tell where in its bytes a layer has what, which is true of no other bytes. */
const ABOUT_BYTES = [
  'io.github.containers.zstd-chunked.',
  'containerd.io/snapshot/stargz/',
  'io.containers.estargz.',
];

/** A document with other children, and all else that it says. */
export interface Rewritten {
  readonly mediaType: string;
  readonly bytes: Uint8Array;
}

type Json = Record<string, unknown>;

/**
 * Puts other descriptors into a manifest or an index, in place of those of the same digests. What else these say, and the
 * document, stays.
 *
 * @param changed - what is pointed at instead, by the old digest: type, digest and size.
 * @param toOci - gives the document and what it points at OCI's media types.
 * @returns none if nothing changes.
 */
export function rewritten(
  bytes: Uint8Array,
  mediaType: string,
  changed: ReadonlyMap<Digest, Descriptor>,
  toOci: boolean,
): Rewritten | undefined {
  const type = toOci ? ociType(mediaType) : mediaType;
  // It was read before, so it is an object whose descriptors are such.
  const before = JSON.parse(Buffer.from(bytes).toString()) as Json;
  const { config, layers, manifests } = before as { config?: Json; layers?: Json[]; manifests?: Json[] };
  const child = (json: Json) => rewrittenChild(json, changed, toOci);
  const after = {
    ...before,
    ...(type !== mediaType && { mediaType: type }),
    ...(config !== undefined && { config: child(config) }),
    ...(layers !== undefined && { layers: layers.map(child) }),
    ...(manifests !== undefined && { manifests: manifests.map(child) }),
  };
  const text = JSON.stringify(after);
  return text === JSON.stringify(before) ? undefined : { mediaType: type, bytes: Buffer.from(text) };
}

function rewrittenChild(json: Json, changed: ReadonlyMap<Digest, Descriptor>, toOci: boolean): Json {
  const made = changed.get(json.digest as Digest);
  const mediaType = made?.mediaType ?? (json.mediaType as string);
  const result: Json = { ...json, mediaType: toOci ? ociType(mediaType) : mediaType };
  if (made !== undefined) {
    const { digest, size } = descriptorJson(made);
    Object.assign(result, { digest, size });
    if (made.digest !== json.digest) withoutOldBytes(result);
  }
  const annotations = result.annotations as Labels | undefined;
  const about = changed.get(annotations?.[ABOUT] as Digest);
  if (about !== undefined) result.annotations = { ...annotations, [ABOUT]: about.digest };
  return result;
}

/** Drops copies of the old bytes, places that have them, and what was told about them. */
function withoutOldBytes(json: Json): void {
  delete json.data;
  delete json.urls;
  const annotations = Object.entries((json.annotations ?? {}) as Labels);
  const kept = annotations.filter(([key]) => !ABOUT_BYTES.some((prefix) => key.startsWith(prefix)));
  if (kept.length === annotations.length) return;
  if (kept.length === 0) delete json.annotations;
  else json.annotations = Object.fromEntries(kept);
}
