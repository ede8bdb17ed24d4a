import { type Descriptor, MEDIA_TYPE } from '@stowage/core';

/** What a descriptor points at, by its media type. */
export type ContentKind = 'index' | 'manifest' | 'config' | 'layer' | 'attestation' | 'unknown';

const EXACT: ReadonlyMap<string, ContentKind> = new Map([
  [MEDIA_TYPE.ociIndex, 'index'],
  [MEDIA_TYPE.dockerIndex, 'index'],
  [MEDIA_TYPE.ociManifest, 'manifest'],
  [MEDIA_TYPE.dockerManifest, 'manifest'],
  [MEDIA_TYPE.ociConfig, 'config'],
  [MEDIA_TYPE.dockerConfig, 'config'],
  ['application/vnd.containerd.container.criu.checkpoint.criu.tar', 'config'],
  ['application/vnd.containerd.container.checkpoint.config.v1+proto', 'config'],
  ['application/vnd.in-toto+json', 'attestation'],
]);

/** Without what follows a `+`. */
const LAYERS: ReadonlySet<string> = new Set([
  MEDIA_TYPE.dockerLayer,
  MEDIA_TYPE.dockerLayerGzip,
  MEDIA_TYPE.dockerLayerZstd,
  'application/vnd.docker.image.rootfs.foreign.diff.tar',
  'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip',
  'application/vnd.erofs.layer.v1',
  'application/vnd.erofs',
]);

/** @see containerd core/images/mediatypes.go */
export function kindOf(mediaType: string): ContentKind {
  const exact = EXACT.get(mediaType);
  if (exact !== undefined) return exact;
  if (mediaType.startsWith('application/vnd.oci.image.layer.')) return 'layer';
  const [base = ''] = mediaType.split('+', 1);
  return LAYERS.has(base) ? 'layer' : 'unknown';
}

/** Layers that registries need not have, such as those of Windows. */
export function isForeign(mediaType: string): boolean {
  return (
    mediaType.startsWith('application/vnd.oci.image.layer.nondistributable.') ||
    mediaType.startsWith('application/vnd.docker.image.rootfs.foreign.')
  );
}

/**
 * The ref that a blob is ingested under while it is pulled, such as `layer-sha256:…`. Clients draw progress from
 * these names (containerd core/remotes/handlers.go MakeRefKey).
 */
export function refOf({ mediaType, digest }: Pick<Descriptor, 'mediaType' | 'digest'>): string {
  return `${kindOf(mediaType)}-${digest}`;
}
