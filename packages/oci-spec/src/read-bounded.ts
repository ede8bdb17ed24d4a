import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { Fault } from '@stowage/core';

/**
 * A regular file's bytes, up to `most` and one more, so that a reader can tell that there are too many. Never waits at
 * a FIFO, never reads a device, and follows no link at the path's end.
 *
 * @throws Fault `invalid_argument` if it is no regular file; what node:fs throws otherwise.
 */
export async function readBounded(path: string, most: number, shown: string = path): Promise<Uint8Array> {
  // Windows has neither constant.
  const { O_RDONLY, O_NONBLOCK = 0, O_NOFOLLOW = 0 } = constants;
  await using file = await open(path, O_RDONLY | O_NONBLOCK | O_NOFOLLOW);
  const found = await file.stat();
  if (!found.isFile()) throw new Fault('invalid_argument', `read ${shown}: it is no regular file`);
  const buffer = Buffer.alloc(Math.min(found.size, most) + 1);
  let length = 0;
  while (length < buffer.length) {
    const { bytesRead } = await file.read(buffer, length, buffer.length - length);
    if (bytesRead === 0) break;
    length += bytesRead;
  }
  return buffer.subarray(0, length);
}
