import { opendir } from 'node:fs/promises';
import { type Digest, errnoOf, isDigest, quote } from '@stowage/core';
import { ALGORITHMS, type Layout } from './layout.ts';
import { storageFault } from './storage-fault.ts';

/** Names in a directory, which need not be there. */
export async function* namesIn(directory: string): AsyncGenerator<string> {
  try {
    for await (const { name } of await opendir(directory)) yield name;
  } catch (e) {
    if (errnoOf(e) !== 'ENOENT') throw storageFault(e, `list ${quote(directory)}`);
  }
}

/** Digests of the blobs in `blobs` or in `corrupt`. */
export async function* digestsIn(layout: Layout, where: 'blobs' | 'corrupt'): AsyncGenerator<Digest> {
  for (const algorithm of ALGORITHMS) {
    const directory = where === 'blobs' ? layout.blobsOf(algorithm) : layout.corruptOf(algorithm);
    for await (const name of namesIn(directory)) {
      const digest = `${algorithm}:${name}`;
      if (isDigest(digest)) yield digest;
    }
  }
}
