import { chmod, open, rm } from 'node:fs/promises';
import path from 'node:path';
import { algorithmOf, type Digest, hexOf } from '@stowage/core';
import type { Damage, OpenStore } from './subject.ts';

/** Damages files of blobs, for subjects that keep them as in an OCI image layout: `blobs/<algorithm>/<hex>`. */
export function damageIn(layout: string): NonNullable<OpenStore['damage']> {
  return (digest: Digest, how: Damage) =>
    damageFile(path.join(layout, 'blobs', algorithmOf(digest), hexOf(digest)), how);
}

export async function damageFile(file: string, how: Damage): Promise<void> {
  if (how === 'remove') return rm(file);
  await chmod(file, 0o600);
  await using handle = await open(file, 'r+');
  const { size } = await handle.stat();
  if (how === 'cut') return handle.truncate(size - 1);
  const at = Math.floor(size / 2);
  const { buffer } = await handle.read(Buffer.alloc(1), 0, 1, at);
  await handle.write(Buffer.of(buffer.readUInt8() ^ 1), 0, 1, at);
}
