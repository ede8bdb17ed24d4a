import { ftruncateSync, writeSync } from 'node:fs';
import type { TarEntry, TarReader } from '../tar/reader.ts';

/** Writes the data of the current entry to a new, empty file, leaving holes where it has them. */
export function writeData(reader: TarReader, { sparse }: TarEntry, fd: number): void {
  if (sparse === undefined) {
    reader.data(reader.left, (chunk) => writeAll(fd, chunk, null));
    return;
  }
  for (const { offset, length } of sparse.pieces) {
    let at = offset;
    reader.data(length, (chunk) => {
      writeAll(fd, chunk, at);
      at += chunk.length;
    });
  }
  ftruncateSync(fd, sparse.realSize);
}

function writeAll(fd: number, bytes: Uint8Array, position: number | null): void {
  for (let done = 0; done < bytes.length; ) {
    done += writeSync(fd, bytes, done, bytes.length - done, position === null ? null : position + done);
  }
}
