import { O_CLOEXEC, O_NONBLOCK } from './constants.ts';
import { checked, systemError } from './errors.ts';
import { c, lastErrno } from './libc.ts';

const EAGAIN = 11;

/** A counter that can be polled, nonblocking and O_CLOEXEC. Readable while it is above 0. */
export function eventfd(initial = 0): number {
  return checked(c.eventfd(initial, O_CLOEXEC | O_NONBLOCK), 'eventfd', 'make', 'eventfd');
}

/** Adds to the counter, which wakes its reader. Never waits: a full counter is readable anyway. */
export function eventfdWrite(fd: number, add = 1n): void {
  const value = Buffer.alloc(8);
  value.writeBigUInt64LE(add);
  if (c.write(fd, value, 8) === -1) {
    const errno = lastErrno();
    if (errno !== EAGAIN) throw systemError(errno, 'write', 'write eventfd', fd);
  }
}

/** Takes the counter and sets it to 0. Undefined if it was 0. */
export function eventfdRead(fd: number): bigint | undefined {
  const value = Buffer.alloc(8);
  if (c.read(fd, value, 8) === -1) {
    const errno = lastErrno();
    if (errno === EAGAIN) return undefined;
    throw systemError(errno, 'read', 'read eventfd', fd);
  }
  return value.readBigUInt64LE();
}
