import { Fault, MEDIA_TYPE } from '@stowage/core';

/** What is asked for; a registry that has another kind of manifest may say so. */
export const MANIFEST_TYPES: readonly string[] = [
  MEDIA_TYPE.ociIndex,
  MEDIA_TYPE.ociManifest,
  MEDIA_TYPE.dockerIndex,
  MEDIA_TYPE.dockerManifest,
];

/** Longest manifest (containerd's number). */
export const MAX_MANIFEST_BYTES = 4 * 1048 * 1048;

export function isManifestType(mediaType: string): boolean {
  return MANIFEST_TYPES.includes(mediaType);
}

/** Without parameters such as a character set. */
export function mediaTypeOf(contentType: string | undefined): string {
  return (contentType ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? '';
}

/** @throws Fault `unimplemented` for Docker's first format, whose images have no digest of their own. */
export function refuseSchema1(subject: string, mediaType: string): void {
  if (!mediaType.startsWith('application/vnd.docker.distribution.manifest.v1')) return;
  throw new Fault(
    'unimplemented',
    `${subject}: it is a Docker schema 1 manifest, which is not supported; push the image again with a current tool`,
  );
}

/** What a manifest is whose registry does not say: what it says itself, or what its fields make it. */
export function sniffType(subject: string, bytes: Uint8Array): string {
  let fields: Readonly<Record<string, unknown>> | null;
  try {
    fields = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (e) {
    throw new Fault('invalid_argument', `${subject}: what the registry has is no manifest`, { cause: e });
  }
  const claimed = fields?.mediaType;
  if (typeof claimed === 'string') {
    refuseSchema1(subject, claimed);
    if (isManifestType(claimed)) return claimed;
  } else if (Array.isArray(fields?.manifests) && fields.config === undefined && fields.layers === undefined) {
    return MEDIA_TYPE.ociIndex;
  } else if (
    typeof fields?.config === 'object' &&
    fields.manifests === undefined &&
    fields.fsLayers === undefined
  ) {
    return MEDIA_TYPE.ociManifest;
  }
  throw new Fault('invalid_argument', `${subject}: what the registry has is no manifest of a known type`);
}
