import type { ContentStore } from '@stowage/content';
import { type CallOptions, type Descriptor, Fault, MEDIA_TYPE, quote } from '@stowage/core';
import { type ArchiveFiles, MAX_ARCHIVE_JSON_BYTES } from './archive-files.ts';
import { ANNOTATION } from './archive-write.ts';
import { JsonFields, parseJson } from './json-fields.ts';
import { readConfig } from './read.ts';
import { storedCompression } from './stored-compression.ts';
import { descriptorJson, writeDocument } from './write-json.ts';

/** Most images in one archive. */
const MAX_IMAGES = 1000;

/**
 * What `docker save` wrote, as OCI would have it: a manifest for each image, and a descriptor for each of its names.
 *
 * @see containerd core/images/archive/importer.go
 */
export async function dockerManifests(
  content: Pick<ContentStore, 'writer' | 'info' | 'read'>,
  files: ArchiveFiles,
  bytes: Uint8Array,
  options: CallOptions,
): Promise<Descriptor[]> {
  const list = parseJson('manifest.json of archive', bytes, MAX_ARCHIVE_JSON_BYTES);
  if (!Array.isArray(list) || list.length > MAX_IMAGES) {
    throw new Fault(
      'invalid_argument',
      `read manifest.json of archive: no list of up to ${MAX_IMAGES} images`,
    );
  }
  const manifests: Descriptor[] = [];
  for (const [i, item] of list.entries()) {
    const fields = new JsonFields(`manifest.json of archive, [${i}]`, item);
    const manifest = await dockerManifest(content, files, fields, options);
    const names = fields.strings('RepoTags');
    if (names.length === 0) manifests.push(manifest);
    for (const name of names) {
      const full = fullName(name);
      manifests.push({ ...manifest, annotations: { [ANNOTATION.imageName]: full } });
    }
  }
  return manifests;
}

async function dockerManifest(
  content: Pick<ContentStore, 'writer' | 'info' | 'read'>,
  files: ArchiveFiles,
  fields: JsonFields,
  options: CallOptions,
): Promise<Descriptor> {
  const find = (path: string) => {
    const blob = files.blob(path);
    if (blob === undefined) throw fields.fault(`the archive has no ${quote(path)}`);
    return blob;
  };
  const config: Descriptor = { mediaType: MEDIA_TYPE.dockerConfig, ...find(fields.required('Config')) };
  const layers: Descriptor[] = [];
  for (const path of fields.strings('Layers')) {
    const blob = find(path);
    layers.push({ mediaType: await layerType(content, blob, options), ...blob });
  }
  const { platform, diffIds } = await readConfig(content, config, options);
  if (diffIds.length !== layers.length) {
    throw fields.fault(`${layers.length} layers, and the config says ${diffIds.length}`);
  }
  const document = {
    schemaVersion: 2,
    mediaType: MEDIA_TYPE.dockerManifest,
    config: descriptorJson(config),
    layers: layers.map(descriptorJson),
  };
  const manifest = await writeDocument(
    content,
    MEDIA_TYPE.dockerManifest,
    document,
    [config, ...layers],
    options,
  );
  return platform.os === '' ? manifest : { ...manifest, platform };
}

/** Docker saves layers packed or not, and does not say. */
async function layerType(
  content: Pick<ContentStore, 'read'>,
  blob: Pick<Descriptor, 'digest' | 'size'>,
  options: CallOptions,
): Promise<string> {
  switch (await storedCompression(content, blob, options)) {
    case 'gzip':
      return MEDIA_TYPE.dockerLayerGzip;
    case 'zstd':
      return MEDIA_TYPE.dockerLayerZstd;
    default:
      return MEDIA_TYPE.dockerLayer;
  }
}

/** Docker leaves out what is the same for all its users: `busybox:1` is `docker.io/library/busybox:1`. */
function fullName(name: string): string {
  const [first = ''] = name.split('/', 1);
  const hasHost = name.includes('/') && (/[.:]/.test(first) || first === 'localhost');
  const path = hasHost ? name : `docker.io/${name.includes('/') ? '' : 'library/'}${name}`;
  return /[:@][^/]*$/.test(path.slice(path.lastIndexOf('/'))) ? path : `${path}:latest`;
}
