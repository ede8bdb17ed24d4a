import { chmod, mkdtemp, open, readdir, rm } from 'node:fs/promises';
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

/** Does to the file of a blob what disks do: flips a bit of its middle, or cuts its end off. */
export async function damage(file: string, how: 'flip' | 'cut'): Promise<void> {
  await chmod(file, 0o600);
  const handle = await open(file, 'r+');
  try {
    const { size } = await handle.stat();
    if (how === 'cut') await handle.truncate(size - 1);
    else {
      const at = Math.floor(size / 2);
      const { buffer } = await handle.read(Buffer.alloc(1), 0, 1, at);
      await handle.write(Buffer.of(buffer.readUInt8() ^ 1), 0, 1, at);
    }
  } finally {
    await handle.close();
  }
}
