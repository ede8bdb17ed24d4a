/**
 * Calls that never wait for another process, so the main thread may make them. Like the synchronous calls of node:fs
 * they may wait for a disk. What may wait longer is in `./blocking`, for workers.
 */
export { O_CLOEXEC, O_PATH } from './constants.ts';
export { errnoName, hasCode, type SystemError, systemError } from './errors.ts';
export * from './eventfd.ts';
export { close, dup, open, setBlocking, setNonblocking, statusFlags } from './fd.ts';
export { type FifoOptions, fionread, mkfifo, openFifo } from './fifo.ts';
export { type FileLock, LOCK_EX, LOCK_SH, tryFlock, tryLock } from './file-lock.ts';
export * from './filesystem.ts';
export * from './id-map.ts';
export * from './namespace.ts';
export * from './node-metadata.ts';
export type { Path } from './path.ts';
export * from './peer.ts';
export * from './process.ts';
export * from './terminal.ts';
export * from './xattr.ts';
