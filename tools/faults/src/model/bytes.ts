import { createCipheriv, createHash } from 'node:crypto';
import { type Digest, digestOf } from '@stowage/core';

/** Bytes that look random and are always the same for a seed, so that a journal need name the seed only. */
export function bytesOf(seed: string, sizeBytes: number): Buffer {
  const key = createHash('sha256').update(seed).digest();
  return createCipheriv('aes-128-ctr', key.subarray(0, 16), key.subarray(16)).update(Buffer.alloc(sizeBytes));
}

/** Mostly small, some of several pieces, a few beyond one message. */
export function sizeOf(seed: string): number {
  const hash = createHash('sha256').update(`size of ${seed}`).digest();
  const share = hash.readUInt16LE(0) / 65_536;
  const within = hash.readUInt32LE(4) / 2 ** 32;
  if (share < 0.6) return 1 + Math.floor(within * 20_000);
  return share < 0.95 ? 20_000 + Math.floor(within * 280_000) : 1_000_000 + Math.floor(within * 1_500_000);
}

export function blobOf(seed: string): { readonly digest: Digest; readonly sizeBytes: number } {
  const sizeBytes = sizeOf(seed);
  return { digest: digestOf(bytesOf(seed, sizeBytes)), sizeBytes };
}
