import { pipeline, Readable } from 'node:stream';
import { createGunzip, createZstdDecompress } from 'node:zlib';
import { Fault, reasonOf } from '@stowage/core';

export type Compression = 'none' | 'gzip' | 'zstd';

/** Bytes that {@link compressionOf} needs to see. */
export const MAGIC_BYTES = 4;

export function compressionOf(start: Uint8Array): Compression {
  if (start[0] === 0x1f && start[1] === 0x8b) return 'gzip';
  if (start[0] === 0x28 && start[1] === 0xb5 && start[2] === 0x2f && start[3] === 0xfd) return 'zstd';
  return 'none';
}

/**
 * A stream as it was before it was packed with gzip or zstd, if it was.
 *
 * @throws Fault `invalid_argument` if it is damaged.
 */
export async function* decompressed(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const chunks = bytes[Symbol.asyncIterator]();
  const first: Uint8Array[] = [];
  let seen = 0;
  while (seen < MAGIC_BYTES) {
    const { done, value } = await chunks.next();
    if (done === true) break;
    first.push(value);
    seen += value.byteLength;
  }
  const start = Buffer.concat(first);
  const whole = prefixed(start, chunks);
  const compression = compressionOf(start);
  if (compression === 'none') {
    yield* whole;
    return;
  }
  const unpacker = compression === 'gzip' ? createGunzip() : createZstdDecompress();
  pipeline(Readable.from(whole), unpacker, () => undefined);
  try {
    yield* unpacker;
  } catch (e) {
    if (!isZlibFailure(e)) throw e;
    throw new Fault('invalid_argument', `read archive: damaged ${compression} data: ${reasonOf(e)}`, {
      cause: e,
    });
  }
}

async function* prefixed(start: Uint8Array, rest: AsyncIterator<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    if (start.byteLength > 0) yield start;
    for (let next = await rest.next(); next.done !== true; next = await rest.next()) yield next.value;
  } finally {
    await rest.return?.();
  }
}

function isZlibFailure(e: unknown): boolean {
  const code = (e as { code?: unknown } | null | undefined)?.code;
  return typeof code === 'string' && /^(Z_|ZSTD_|ERR_ZSTD|ERR_ZLIB)/.test(code);
}
