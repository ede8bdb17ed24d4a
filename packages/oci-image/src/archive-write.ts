import type { ContentStore } from '@stowage/content';
import {
  algorithmOf,
  type CallOptions,
  type Descriptor,
  type Digest,
  Fault,
  hexOf,
  MEDIA_TYPE,
  type Platform,
  platformRank,
  quote,
} from '@stowage/core';
import { chooseManifest } from './choose.ts';
import { isForeign, kindOf } from './media-types.ts';
import { childrenOf, readManifest } from './read.ts';
import { type TarItem, writeTar } from './tar-write.ts';
import { Visits } from './visits.ts';
import { descriptorJson, nameOf } from './write-json.ts';

/** Names that importers look for, ours among them (containerd core/images/annotations.go, image-spec). */
export const ANNOTATION = {
  imageName: 'io.containerd.image.name',
  refName: 'org.opencontainers.image.ref.name',
} as const;

export interface ArchiveImage {
  readonly target: Descriptor;
  readonly name?: string | undefined;
}

export interface ArchiveOptions extends CallOptions {
  /** Leaves out what is for other platforms. Default: everything that the images point at must be in the store. */
  readonly platforms?: readonly Platform[] | undefined;
  /** Whether to put in the `manifest.json` that `docker load` reads. Default: true. */
  readonly dockerManifest?: boolean | undefined;
}

/**
 * Images as one tar stream: an OCI image layout, which `docker load` can read too. The same images make the same
 * bytes.
 *
 * @throws Fault before the first byte: `not_found` if the store lacks something that belongs to them, or one has nothing for
 *   any of the platforms; `invalid_argument` if there are none.
 */
export async function* writeArchive(
  content: Pick<ContentStore, 'info' | 'read'>,
  images: readonly ArchiveImage[],
  options: ArchiveOptions = {},
): AsyncGenerator<Uint8Array> {
  const { dockerManifest = true, signal } = options;
  if (images.length === 0) throw new Fault('invalid_argument', 'export: no image is named');
  const blobs = new Map<Digest, bigint>();
  for (const image of images) {
    await expectAny(content, image, options);
    await collect(content, image.target, blobs, options);
  }
  const docker = [];
  for (const image of dockerManifest ? images : [])
    docker.push(...(await dockerEntries(content, image, options)));
  yield* writeTar([
    json('oci-layout', { imageLayoutVersion: '1.0.0' }),
    json('index.json', {
      schemaVersion: 2,
      mediaType: MEDIA_TYPE.ociIndex,
      manifests: images.map((image) => descriptorJson(named(image))),
    }),
    ...(dockerManifest ? [json('manifest.json', docker)] : []),
    ...[...blobs]
      .map(([digest, size]): [string, TarItem] => [blobPath(digest), blobItem(digest, size)])
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([, item]) => item),
  ]);

  function blobItem(digest: Digest, size: bigint): TarItem {
    const body = {
      [Symbol.asyncIterator]: () => content.read(digest, {}, { signal })[Symbol.asyncIterator](),
    };
    return { path: blobPath(digest), type: 'File', mode: 0o444, sizeBytes: Number(size), body };
  }
}

/** Without this, an image that has nothing for any of the platforms would be an index that points at nothing. */
async function expectAny(
  content: Pick<ContentStore, 'info' | 'read'>,
  { target, name = target.digest }: ArchiveImage,
  { platforms, signal }: ArchiveOptions,
): Promise<void> {
  if (platforms === undefined) return;
  const reasons: Fault[] = [];
  for (const platform of platforms) {
    try {
      await chooseManifest(content, target, platform, { signal });
      return;
    } catch (e) {
      if (!Fault.is(e, 'not_found')) throw e;
      reasons.push(e);
    }
  }
  const [cause] = reasons;
  const reason = cause?.message ?? 'no platform is wanted';
  throw new Fault('not_found', `export ${quote(name)}: ${reason}`, { cause });
}

function named({ target, name }: ArchiveImage): Descriptor {
  if (name === undefined) return target;
  const names = { [ANNOTATION.imageName]: name, [ANNOTATION.refName]: tagOf(name) };
  return { ...target, annotations: { ...target.annotations, ...names } };
}

/** What follows the repository; the whole name where there is no tag. */
function tagOf(name: string): string {
  return /:([^/:@]+)$/.exec(name)?.[1] ?? name;
}

async function collect(
  content: Pick<ContentStore, 'info' | 'read'>,
  root: Descriptor,
  blobs: Map<Digest, bigint>,
  { platforms, signal }: ArchiveOptions,
): Promise<void> {
  const visits = new Visits(root);
  for (let next = visits.next(); next !== undefined; next = visits.next()) {
    if (isForeign(next.mediaType)) continue;
    try {
      blobs.set(next.digest, (await content.info(next.digest, { signal })).sizeBytes);
    } catch (e) {
      if (!Fault.is(e, 'not_found')) throw e;
      const advice = 'it was pulled for some platforms only; name these';
      throw new Fault('not_found', `export ${root.digest}: ${nameOf(next)} is missing; perhaps ${advice}`, {
        cause: e,
      });
    }
    const children = await childrenOf(content, next, { signal });
    visits.add(
      kindOf(next.mediaType) === 'index' ? children.filter((child) => suits(child, platforms)) : children,
    );
  }
}

function suits({ platform }: Descriptor, platforms: readonly Platform[] | undefined): boolean {
  if (platforms === undefined || platform === undefined) return true;
  return platforms.some((host) => platformRank(host, platform) !== undefined);
}

/** Docker's own list of images: those that have a name and one manifest, for it knows no more than one for each. */
async function dockerEntries(
  content: Pick<ContentStore, 'info' | 'read'>,
  { target, name }: ArchiveImage,
  { platforms, signal }: ArchiveOptions,
): Promise<unknown[]> {
  if (name === undefined) return [];
  const manifests =
    kindOf(target.mediaType) === 'index'
      ? (await childrenOf(content, target, { signal })).filter((child) => suits(child, platforms))
      : [target];
  const entries = [];
  for (const descriptor of manifests) {
    if (kindOf(descriptor.mediaType) !== 'manifest') continue;
    const { config, layers } = await readManifest(content, descriptor, { signal });
    if (kindOf(config.mediaType) !== 'config') continue;
    entries.push({
      Config: blobPath(config.digest),
      RepoTags: [name],
      Layers: layers.map(({ digest }) => blobPath(digest)),
    });
  }
  return entries.length === 1 ? entries : [];
}

function blobPath(digest: Digest): string {
  return `blobs/${algorithmOf(digest)}/${hexOf(digest)}`;
}

function json(path: string, value: unknown): TarItem {
  const bytes = Buffer.from(JSON.stringify(value));
  return { path, type: 'File', mode: 0o444, sizeBytes: bytes.byteLength, body: only(bytes) };
}

async function* only(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
