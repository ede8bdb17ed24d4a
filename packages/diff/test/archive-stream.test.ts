import { expect, test } from '@jest/globals';
import { ArchiveStream, PIECE_BYTES } from '../src/pack/archive-stream.ts';

test('bytes come out once, in order, in pieces of one size, whoever takes their memory away', () => {
  const pieces: Uint8Array[] = [];
  const stream = new ArchiveStream((piece) =>
    pieces.push(structuredClone(piece, { transfer: [piece.buffer] })),
  );
  const written = Buffer.from(Array.from({ length: 3 * PIECE_BYTES + 1234 }, (_, i) => i % 251));
  for (let at = 0, size = 1; at < written.length; at += size, size = (size * 3) % 99_991) {
    stream.write(written.subarray(at, at + size));
  }
  stream.pad();
  stream.end();
  const all = Buffer.concat(pieces);
  expect(all.length % 512).toBe(0);
  expect(all.subarray(0, written.length).equals(written)).toBe(true);
  expect(all.subarray(written.length).every((byte) => byte === 0)).toBe(true);
  expect(all.length).toBe(Math.ceil(written.length / 512) * 512 + 1024);
  expect(pieces.slice(0, -1).every(({ length }) => length === PIECE_BYTES)).toBe(true);
});
