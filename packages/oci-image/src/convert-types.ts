import { MEDIA_TYPE } from '@stowage/core';
import type { Compression } from '@stowage/diff/compression';

const FOREIGN = 'application/vnd.docker.image.rootfs.foreign.diff.tar';
const OCI_FOREIGN = 'application/vnd.oci.image.layer.nondistributable.v1.tar';

/** What OCI calls what Docker calls otherwise (containerd core/images/converter/docker.go). */
const OCI: ReadonlyMap<string, string> = new Map([
  [MEDIA_TYPE.dockerIndex, MEDIA_TYPE.ociIndex],
  [MEDIA_TYPE.dockerManifest, MEDIA_TYPE.ociManifest],
  [MEDIA_TYPE.dockerConfig, MEDIA_TYPE.ociConfig],
  [MEDIA_TYPE.dockerLayer, MEDIA_TYPE.ociLayer],
  [MEDIA_TYPE.dockerLayerGzip, MEDIA_TYPE.ociLayerGzip],
  [MEDIA_TYPE.dockerLayerZstd, MEDIA_TYPE.ociLayerZstd],
  [FOREIGN, OCI_FOREIGN],
  [`${FOREIGN}.gzip`, `${OCI_FOREIGN}+gzip`],
]);

export const ociType = (mediaType: string): string => OCI.get(mediaType) ?? mediaType;

type Family = Readonly<Record<Compression, string>>;

const OCI_LAYERS: Family = {
  none: MEDIA_TYPE.ociLayer,
  gzip: MEDIA_TYPE.ociLayerGzip,
  zstd: MEDIA_TYPE.ociLayerZstd,
};
const DOCKER_LAYERS: Family = {
  none: MEDIA_TYPE.dockerLayer,
  gzip: MEDIA_TYPE.dockerLayerGzip,
  zstd: MEDIA_TYPE.dockerLayerZstd,
};

/**
 * The media type of a layer that is compressed otherwise.
 *
 * @returns none for what is no archive of files, is encrypted, or need not be in a registry; such layers stay as they are.
 */
export function layerTypeFor(mediaType: string, compression: Compression): string | undefined {
  const family = [OCI_LAYERS, DOCKER_LAYERS].find((types) => Object.values(types).includes(mediaType));
  return family?.[compression];
}
