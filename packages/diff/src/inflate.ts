import type { Transform } from 'node:stream';
import { createGunzip, createZstdDecompress } from 'node:zlib';
import { Fault, reasonOf } from '@stowage/core';
import { gunzippedBy } from './inflate-process.ts';
import { throughTransform } from './through-transform.ts';
import { zstdFrames } from './zstd-frames.ts';

export type Compression = 'gzip' | 'zstd' | 'none';

/** Longest of the magic numbers below: as much as {@link compressionOf} needs to see. */
export const MAGIC_BYTES = 4;

/** What libuv's pool inflates at a time: fewer, larger pieces, so that the main thread is woken less often. */
const OPTIONS = { chunkSize: 256 * 1024 };

/**
 * How bytes are compressed, by how they begin. No archive begins like one of these: its first byte is one of a name.
 *
 * @see RFC 1952 2.3.1, RFC 8878 3.1 (frames, and frames to be skipped)
 */
export function compressionOf(head: Uint8Array): Compression {
  const [a, b, c, d] = head;
  if (a === 0x1f && b === 0x8b) return 'gzip';
  if (b === 0xb5 && a === 0x28 && c === 0x2f && d === 0xfd) return 'zstd';
  if (a !== undefined && (a & 0xf0) === 0x50 && b === 0x2a && c === 0x4d && d === 0x18) return 'zstd';
  return 'none';
}

/**
 * Undoes whatever compression the bytes show.
 *
 * @param gunzip - Path of a program to inflate gzip with, from `findGunzip`; zlib is used without.
 * @throws Fault `invalid_argument` if they are damaged or cut off.
 */
export async function* inflated(
  source: AsyncIterable<Uint8Array>,
  signal: AbortSignal,
  gunzip?: string | undefined,
): AsyncGenerator<Uint8Array> {
  const iterator = source[Symbol.asyncIterator]();
  try {
    const head = await headOf(iterator);
    const whole = joined(head, iterator);
    const compression = compressionOf(head);
    if (compression === 'none') yield* whole;
    else if (compression === 'zstd')
      yield* through(zstdFrames(whole), createZstdDecompress(OPTIONS), compression, signal);
    else if (gunzip !== undefined) yield* gunzippedBy(gunzip, whole, signal);
    // It goes on where one member ends and the next begins, as layers with an index of their files have them.
    else yield* through(whole, createGunzip(OPTIONS), compression, signal);
  } finally {
    await iterator.return?.();
  }
}

/** The first chunks, together at least as long as a magic number if the source is. */
async function headOf(iterator: AsyncIterator<Uint8Array>): Promise<Uint8Array> {
  let head: Uint8Array = new Uint8Array();
  while (head.length < MAGIC_BYTES) {
    const next = await iterator.next();
    if (next.done === true) break;
    head = head.length === 0 ? next.value : Buffer.concat([head, next.value]);
  }
  return head;
}

async function* joined(head: Uint8Array, rest: AsyncIterator<Uint8Array>): AsyncGenerator<Uint8Array> {
  if (head.length > 0) yield head;
  for (;;) {
    const next = await rest.next();
    if (next.done === true) return;
    yield next.value;
  }
}

async function* through(
  source: AsyncIterable<Uint8Array>,
  transform: Transform,
  compression: Compression,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  try {
    yield* throughTransform(source, transform, signal);
  } catch (e) {
    throw isDamage(e)
      ? new Fault('invalid_argument', `inflate ${compression}: ${reasonOf(e)}`, { cause: e })
      : e;
  }
}

function isDamage(e: unknown): boolean {
  const { code } = e as { code?: unknown };
  return typeof code === 'string' && /^Z(STD)?_/.test(code);
}
