import type { ContentStore } from '@stowage/content';
import {
  type CallOptions,
  cleanLabels,
  type Descriptor,
  Fault,
  type Labels,
  MEDIA_TYPE,
  quote,
  unlessGone,
} from '@stowage/core';
import { type ImageStore, recordImage } from '@stowage/images';
import { type ArchiveFiles, MAX_ARCHIVE_JSON_BYTES, readArchiveFiles } from './archive-files.ts';
import { ANNOTATION } from './archive-write.ts';
import { dockerManifests } from './docker-archive.ts';
import { JsonFields } from './json-fields.ts';
import { addLabels, childLabels } from './label.ts';
import { isForeign, kindOf } from './media-types.ts';
import { parseIndex } from './parse.ts';
import { childrenOf } from './read.ts';
import { Visits } from './visits.ts';
import { descriptorJson, nameOf, writeBytes, writeDocument } from './write-json.ts';

export interface ImportOptions extends CallOptions {
  /** Where the named images are made, or pointed at what the archive has. Default: they are not. */
  readonly images?: Pick<ImageStore, 'create' | 'update'> | undefined;
  /**
   * Stands in front of names that are a tag only: with `docker.io/library/demo`, an image that the archive calls `v1`
   * becomes `docker.io/library/demo:v1`. Without it such images get no name.
   */
  readonly namePrefix?: string | undefined;
  /** Names the only image of an archive, whatever the archive calls it. */
  readonly name?: string | undefined;
  /** Also names the archive's whole index. */
  readonly indexName?: string | undefined;
  /** Given to the images, beside those that they have. */
  readonly labels?: Labels | undefined;
}

export interface ImportedImage {
  readonly name: string;
  readonly target: Descriptor;
}

/** What an archive held, its blobs being in the store now. */
export interface ReadArchive {
  readonly index: Descriptor;
  /** What the index points at, with the names that the archive has for it among the annotations. */
  readonly manifests: readonly Descriptor[];
}

/**
 * Reads an archive, as {@link readArchive}, and names what it held.
 *
 * @returns all that got a name.
 * @throws Fault `failed_precondition` if `name` is given and the archive does not have exactly one image.
 */
export async function importArchive(
  bytes: AsyncIterable<Uint8Array>,
  content: ContentStore,
  options: ImportOptions = {},
): Promise<ImportedImage[]> {
  const { images, labels, signal } = options;
  const named = namedImages(await readArchive(bytes, content, { signal }), options);
  if (images === undefined) return named;
  for (const { name, target } of named)
    await recordImage(images, name, target, { labels, labelling: 'add', signal });
  return named;
}

/**
 * Reads an archive, packed with gzip or zstd or not, into a content store: an OCI image layout or what `docker save`
 * writes. Until images are made of it, the caller holds the blobs by a lease.
 *
 * Children that an index names and the archive lacks are left out: it may have been exported for one platform. What is
 * there must be complete.
 *
 * @throws Fault `invalid_argument` for what is no such archive, malformed or ambiguous; `not_found` for a manifest whose
 *   blobs are missing.
 */
export async function readArchive(
  bytes: AsyncIterable<Uint8Array>,
  content: ContentStore,
  { signal }: CallOptions = {},
): Promise<ReadArchive> {
  const files = await readArchiveFiles(bytes, content, { signal });
  const root = await readRoot(content, files, { signal });
  await complete(content, root.index, { signal });
  return root;
}

async function readRoot(
  content: ContentStore,
  files: ArchiveFiles,
  options: CallOptions,
): Promise<ReadArchive> {
  const mediaType = MEDIA_TYPE.ociIndex;
  if (files.layout !== undefined) {
    const layout = JsonFields.parse('oci-layout of archive', files.layout, MAX_ARCHIVE_JSON_BYTES);
    const version = layout.required('imageLayoutVersion');
    if (version !== '1.0.0') throw layout.fault(`version ${quote(version)} is not 1.0.0`);
    if (files.index === undefined) throw layout.fault('the archive has no index.json');
    const { manifests } = parseIndex(files.index, mediaType);
    return { index: await writeBytes(content, mediaType, files.index, manifests, options), manifests };
  }
  if (files.dockerManifest === undefined) {
    throw new Fault(
      'invalid_argument',
      'read archive: neither oci-layout nor manifest.json is in it, so it is no image archive',
    );
  }
  const manifests = await dockerManifests(content, files, files.dockerManifest, options);
  const document = { schemaVersion: 2, mediaType, manifests: manifests.map(descriptorJson) };
  return { index: await writeDocument(content, mediaType, document, manifests, options), manifests };
}

/** Checks that all is there, and labels what points at something. */
async function complete(content: ContentStore, root: Descriptor, options: CallOptions): Promise<void> {
  const visits = new Visits(root);
  for (let next = visits.next(); next !== undefined; next = visits.next()) {
    const children = await childrenOf(content, next, options);
    if (children.length > 0) await addLabels(content, next.digest, childLabels(children), options);
    const isIndex = kindOf(next.mediaType) === 'index';
    for (const child of children) {
      if (await isPresent(content, child, options)) visits.add([child]);
      else if (!isIndex && !isForeign(child.mediaType)) {
        throw new Fault(
          'not_found',
          `read archive: ${nameOf(next)} needs ${child.digest}, which is not in it`,
        );
      }
    }
  }
}

async function isPresent(
  content: ContentStore,
  { digest }: Descriptor,
  options: CallOptions,
): Promise<boolean> {
  return (await unlessGone(content.info(digest, options))) !== undefined;
}

function namedImages(
  { index, manifests }: ReadArchive,
  { name, namePrefix, indexName }: ImportOptions,
): ImportedImage[] {
  if (name !== undefined) {
    const targets = new Set(manifests.map(({ digest }) => digest));
    const [target] = manifests;
    if (target === undefined || targets.size !== 1) {
      throw new Fault(
        'failed_precondition',
        `name ${quote(name)}: the archive has ${targets.size} images, not one`,
      );
    }
    return [{ name, target: bare(target) }];
  }
  const named = new Map<string, ImportedImage>();
  for (const manifest of manifests) {
    const given = nameIn(manifest, namePrefix);
    if (given !== undefined) named.set(given, { name: given, target: bare(manifest) });
  }
  if (indexName !== undefined) named.set(indexName, { name: indexName, target: index });
  return [...named.values()];
}

function nameIn({ annotations }: Descriptor, prefix: string | undefined): string | undefined {
  const full = annotations?.[ANNOTATION.imageName];
  if (full !== undefined && full !== '') return full;
  const ref = annotations?.[ANNOTATION.refName];
  if (ref === undefined || ref === '') return undefined;
  if (ref.includes('/')) return ref;
  return prefix === undefined ? undefined : `${prefix}:${ref}`;
}

/** Without the names, which are the image's now. */
function bare({ annotations = {}, ...rest }: Descriptor): Descriptor {
  const kept = cleanLabels(annotations);
  delete kept[ANNOTATION.imageName];
  delete kept[ANNOTATION.refName];
  return Object.keys(kept).length === 0 ? rest : { ...rest, annotations: kept };
}
