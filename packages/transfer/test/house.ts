import { join } from 'node:path';
import type { ContentStore } from '@stowage/content';
import { LocalContentStore } from '@stowage/content-store';
import { type Descriptor, type Digest, digestOf, MEDIA_TYPE, type Scope } from '@stowage/core';
import { Metadata, type MetadataView } from '@stowage/metadata';
import { buildImage, chooseManifest } from '@stowage/oci-image';
import { type Program, startRegistry, tempDir } from '@stowage/testing';
import type { Transfers } from '@stowage/transfer';
import { type LocalTransfersOptions, localTransfers } from '@stowage/transfer/local';

export const amd64 = { os: 'linux', architecture: 'amd64' } as const;
export const arm64 = { os: 'linux', architecture: 'arm64' } as const;

/** Real stores on disk, and what transfers over them. */
export interface House extends AsyncDisposable {
  readonly metadata: Metadata;
  readonly host: string;
  view(namespace: string): MetadataView & { readonly content: ContentStore };
  transfers(namespace: string, options?: Partial<LocalTransfersOptions>): Transfers;
  /** How many leases there are, which all are the transfers' own. */
  leases(namespace: string): Promise<number>;
}

/** @param withRegistry - starts Debian's docker-registry besides. */
export async function house(withRegistry = false): Promise<House> {
  const dir = await tempDir('transfer');
  const store = await LocalContentStore.open(join(dir.path, 'content'));
  const metadata = await Metadata.open(join(dir.path, 'metadata'), { content: store });
  const registry: (Program & { readonly host: string }) | undefined = withRegistry
    ? await startRegistry(join(dir.path, 'registry'))
    : undefined;
  const contentOf = (scope: Scope): ContentStore => {
    const { content } = metadata.scope(scope);
    if (content === undefined) throw new Error('no content');
    return content;
  };
  return {
    metadata,
    host: registry?.host ?? '',
    view: (namespace) => ({ ...metadata.scope({ namespace }), content: contentOf({ namespace }) }),
    transfers: (namespace, options) =>
      localTransfers({
        content: contentOf,
        images: (scope) => metadata.scope(scope).images,
        leases: (scope) => metadata.scope(scope).leases,
        ...options,
      })({ namespace }),
    leases: async (namespace) => (await Array.fromAsync(metadata.scope({ namespace }).leases.list())).length,
    async [Symbol.asyncDispose]() {
      await registry?.[Symbol.asyncDispose]();
      await metadata[Symbol.asyncDispose]();
      await store[Symbol.asyncDispose]();
      await dir[Symbol.asyncDispose]();
    },
  };
}

const plain = ({ size, ...rest }: Descriptor) => ({ ...rest, size: Number(size) });

/** An image of two platforms, each with a layer of its own and one of both. */
export async function twoPlatforms(content: ContentStore): Promise<Descriptor> {
  const manifests = [];
  for (const platform of [amd64, arm64]) {
    const layers = [[{ path: 'arch', data: platform.architecture }], [{ path: 'both', data: 'same' }]];
    const target = await buildImage(content, { platform, layers });
    manifests.push({ ...(await chooseManifest(content, target, platform)).descriptor, platform });
  }
  const index = { schemaVersion: 2, mediaType: MEDIA_TYPE.ociIndex, manifests: manifests.map(plain) };
  const bytes = Buffer.from(JSON.stringify(index));
  const digest = digestOf(bytes);
  await using writer = await content.writer({ ref: 'index', expected: digest });
  await writer.write(bytes);
  const labels = Object.fromEntries(
    manifests.map((one, i) => [`containerd.io/gc.ref.content.m.${i}`, one.digest]),
  );
  await writer.commit({ labels });
  return { mediaType: MEDIA_TYPE.ociIndex, digest, size: BigInt(bytes.byteLength) };
}

export async function digestsIn(content: ContentStore): Promise<Set<Digest>> {
  return new Set(await Array.fromAsync(content.list(), ({ digest }) => digest));
}
