import { systemError } from './errors.ts';

/** A path as the kernel knows it: bytes. A string is taken as UTF-8. */
export type Path = string | Uint8Array;

const EINVAL = 22;

/** NUL-terminated bytes. A NUL inside would name another file than the caller meant: refused with EINVAL. */
export function cstring(text: Path): Uint8Array {
  if (typeof text === 'string') {
    if (text.includes('\0')) throw systemError(EINVAL, 'path', 'use', JSON.stringify(text));
    return Buffer.from(`${text}\0`);
  }
  if (text.includes(0))
    throw systemError(EINVAL, 'path', 'use', JSON.stringify(Buffer.from(text).toString()));
  const bytes = new Uint8Array(text.length + 1);
  bytes.set(text);
  return bytes;
}
