import type { BlobInfo, CommitOptions, ContentStore, ContentWriter, WriterOptions } from '@stowage/content';
import { LocalContentStore } from '@stowage/content-store';
import { type CallOptions, type Digest, Fault, type Labels } from '@stowage/core';
import { tempDir } from '@stowage/testing';

/** A store on disk that keeps labels in memory, as the metadata service keeps them in its database. */
export interface LabelledStore extends ContentStore, AsyncDisposable {
  labels(digest: Digest): Labels;
  digests(): Promise<Digest[]>;
  refs(): Promise<string[]>;
}

export async function labelledStore(): Promise<LabelledStore> {
  const directory = await tempDir('oci-image');
  const local = await LocalContentStore.open(directory.path);
  const kept = new Map<Digest, Map<string, string>>();
  const labelsOf = (digest: Digest) => Object.fromEntries(kept.get(digest) ?? []);
  const add = (digest: Digest, labels: Labels = {}) => {
    const all = kept.get(digest) ?? new Map<string, string>();
    for (const [key, value] of Object.entries(labels)) all.set(key, value);
    kept.set(digest, all);
  };
  const info = async (digest: Digest, options?: CallOptions): Promise<BlobInfo> => ({
    ...(await local.info(digest, options)),
    labels: labelsOf(digest),
  });
  return {
    info,
    async update(digest, labels, paths = [], options) {
      await local.info(digest, options);
      for (const path of paths) {
        if (!path.startsWith('labels.')) throw new Fault('invalid_argument', path);
        const key = path.slice('labels.'.length);
        add(digest, { [key]: labels[key] ?? '' });
      }
      return await info(digest, options);
    },
    list: (filters, options) => local.list(filters, options),
    delete: (digest, options) => local.delete(digest, options),
    read: (digest, range, options) => local.read(digest, range, options),
    status: (ref, options) => local.status(ref, options),
    statuses: (filters, options) => local.statuses(filters, options),
    abort: (ref, options) => local.abort(ref, options),
    async writer(options: WriterOptions): Promise<ContentWriter> {
      const writer = await local.writer(options);
      return {
        ref: writer.ref,
        status: (o) => writer.status(o),
        write: (bytes, o) => writer.write(bytes, o),
        truncate: (offset, o) => writer.truncate(offset, o),
        async commit(o: CommitOptions = {}) {
          const digest = await writer.commit(o);
          add(digest, o.labels);
          return digest;
        },
        [Symbol.asyncDispose]: () => writer[Symbol.asyncDispose](),
      };
    },
    labels: labelsOf,
    async digests() {
      const found: Digest[] = [];
      for await (const { digest } of local.list()) found.push(digest);
      return found.sort();
    },
    async refs() {
      const found: string[] = [];
      for await (const { ref } of local.statuses()) found.push(ref);
      return found.sort();
    },
    async [Symbol.asyncDispose]() {
      await local[Symbol.asyncDispose]();
      await directory[Symbol.asyncDispose]();
    },
  };
}

export async function bytesOf(chunks: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const chunk of chunks) parts.push(chunk);
  return Buffer.concat(parts);
}

/** In chunks of an awkward size. */
export async function* chunked(bytes: Uint8Array, size = 1000): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.byteLength; at += size) yield bytes.subarray(at, at + size);
}
