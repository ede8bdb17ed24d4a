import { opendir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { errnoOf, isDigest, unlessAbsent } from '@stowage/core';
import type { BlobSource } from './sources.ts';

/** The blobs in a directory with the layout of an OCI image, `blobs/<algorithm>/<hex>`, which nobody need have open. */
export function blobFilesIn(directory: string): BlobSource {
  return {
    async *list({ signal }) {
      for await (const algorithm of namesIn(join(directory, 'blobs'))) {
        for await (const name of namesIn(join(directory, 'blobs', algorithm))) {
          signal?.throwIfAborted();
          yield `${algorithm}:${name}`;
        }
      }
    },
    async sizeOf(digest) {
      if (!isDigest(digest)) return undefined;
      const [algorithm = '', hex = ''] = digest.split(':');
      const path = join(directory, 'blobs', algorithm, hex);
      return (await unlessAbsent(stat(path, { bigint: true })))?.size;
    },
  };
}

async function* namesIn(directory: string): AsyncGenerator<string> {
  try {
    for await (const { name } of await opendir(directory)) yield name;
  } catch (e) {
    if (errnoOf(e) !== 'ENOENT') throw e;
  }
}
