import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type ContentStore, writeBlob } from '@stowage/content';
import { algorithmOf, type Digest, digestOf, hexOf } from '@stowage/core';

/** A directory that is removed when disposed. */
export async function directory() {
  const dir = await mkdtemp(path.join(tmpdir(), 'content-store-'));
  return { dir, [Symbol.asyncDispose]: () => rm(dir, { recursive: true, force: true }) };
}

/** Every file and directory below, by relative path. */
export async function tree(dir: string): Promise<string[]> {
  return (await readdir(dir, { recursive: true })).sort();
}

export async function put(store: ContentStore, text: string): Promise<Digest> {
  const digest = digestOf(text);
  await writeBlob(store, `put ${digest}`, Buffer.from(text), {
    digest,
    size: BigInt(Buffer.byteLength(text)),
  });
  return digest;
}

export function blobFile(dir: string, digest: Digest, where: 'blobs' | 'corrupt' = 'blobs'): string {
  return path.join(dir, where, algorithmOf(digest), hexOf(digest));
}
