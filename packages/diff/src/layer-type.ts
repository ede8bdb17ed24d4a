/** Archives of files, compressed in a way we know; not encrypted (`+encrypted`) ones. */
const LAYERS: ReadonlySet<string> = new Set(
  [
    ['vnd.oci.image.layer.v1.tar', '', '+gzip', '+zstd'],
    ['vnd.oci.image.layer.nondistributable.v1.tar', '', '+gzip', '+zstd'],
    ['vnd.docker.image.rootfs.diff.tar', '', '.gzip', '.zstd'],
    ['vnd.docker.image.rootfs.foreign.diff.tar', '', '.gzip', '.zstd'],
  ].flatMap(([base, ...suffixes]) => suffixes.map((suffix) => `application/${base}${suffix}`)),
);

/** Whether a media type says that the bytes are a layer. How they are compressed, the bytes tell better. */
export const isLayerType = (mediaType: string): boolean => LAYERS.has(mediaType);
