import { BLOCK } from './header.ts';
import { malformed } from './malformed.ts';

/** Where an archive's bytes come from; see RingReader for what the two must do. */
export interface ByteSource {
  peek(wanted: number): Uint8Array;
  take(size: number): void;
}

/** One block, valid until the next call on the source; undefined at the end of the stream. */
export function takeBlock(source: ByteSource): Uint8Array | undefined {
  const bytes = source.peek(BLOCK);
  if (bytes.length === 0) return undefined;
  if (bytes.length < BLOCK) throw malformed('the archive ends within a block');
  const block = bytes.slice(0, BLOCK);
  source.take(BLOCK);
  return block;
}

/** A copy of the next `size` bytes. */
export function takeBytes(source: ByteSource, size: number): Uint8Array {
  const bytes = new Uint8Array(size);
  let at = 0;
  takeChunks(source, size, (chunk) => {
    bytes.set(chunk, at);
    at += chunk.length;
  });
  return bytes;
}

/** The next `size` bytes in pieces, each valid until `sink` returns. */
export function takeChunks(source: ByteSource, size: number, sink: (chunk: Uint8Array) => void): void {
  for (let left = size; left > 0; ) {
    const here = source.peek(1);
    if (here.length === 0) throw malformed('the archive ends within an entry');
    const chunk = here.length > left ? here.subarray(0, left) : here;
    sink(chunk);
    source.take(chunk.length);
    left -= chunk.length;
  }
}

export const paddingOf = (size: number): number => (BLOCK - (size % BLOCK)) % BLOCK;
