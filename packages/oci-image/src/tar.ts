/** Tar streams, entry by entry: nothing is read from or written to a file system. */
export { readTar, type TarEntry } from './tar-read.ts';
export { type TarItem, writeTar } from './tar-write.ts';
