import { constants } from 'node:os';
import { O_CLOEXEC } from './constants.ts';
import { checked, hasCode, systemError } from './errors.ts';
import { c, lastErrno } from './libc.ts';

const EPOLL_CTL_ADD = 1;
const EPOLL_CTL_DEL = 2;
const EPOLL_CTL_MOD = 3;

export const EPOLLIN = 0x1;
export const EPOLLPRI = 0x2;
export const EPOLLOUT = 0x4;
export const EPOLLERR = 0x8;
export const EPOLLHUP = 0x10;
export const EPOLLRDHUP = 0x2000;
/** Reported once, then silent until armed again by {@link epollModify}. */
export const EPOLLONESHOT = 1 << 30;

// The kernel packs struct epoll_event on x86-64 only.
const TOKEN_AT = process.arch === 'x64' ? 4 : 8;
const EVENT_SIZE = TOKEN_AT + 8;

export interface EpollEvent {
  readonly events: number;
  readonly token: bigint;
}

/** An epoll descriptor, O_CLOEXEC. */
export const epollCreate = (): number => checked(c.epollCreate(O_CLOEXEC), 'epoll_create1', 'make', 'epoll');

/** Watches `fd`. EEXIST if it is watched, EPERM if it is a regular file or directory. Safe while another thread waits. */
export function epollAdd(epfd: number, fd: number, events: number, token: bigint): void {
  checked(c.epollCtl(epfd, EPOLL_CTL_ADD, fd, event(events, token)), 'epoll_ctl', 'watch', fd);
}

/** Changes what is watched for, and arms a one-shot watch again. */
export function epollModify(epfd: number, fd: number, events: number, token: bigint): void {
  checked(c.epollCtl(epfd, EPOLL_CTL_MOD, fd, event(events, token)), 'epoll_ctl', 'watch', fd);
}

/** Stops watching. Do it before closing: a dup of `fd` elsewhere keeps the watch alive with nobody able to end it. */
export function epollRemove(epfd: number, fd: number): void {
  try {
    checked(c.epollCtl(epfd, EPOLL_CTL_DEL, fd, null), 'epoll_ctl', 'stop watching', fd);
  } catch (e) {
    if (!hasCode(e, 'ENOENT', 'EBADF')) throw e;
  }
}

function event(events: number, token: bigint): Buffer {
  const buffer = Buffer.alloc(EVENT_SIZE);
  buffer.writeUInt32LE(events >>> 0, 0);
  buffer.writeBigUInt64LE(token, TOKEN_AT);
  return buffer;
}

/**
 * Waits for events: **blocks the thread**. A signal ends the wait with none.
 *
 * @param timeoutMs - -1 for no limit, 0 to look only.
 */
export function epollWait(epfd: number, maxEvents: number, timeoutMs: number): EpollEvent[] {
  const buffer = Buffer.alloc(EVENT_SIZE * maxEvents);
  const count = c.epollWait(epfd, buffer, maxEvents, timeoutMs);
  if (count === -1) {
    const errno = lastErrno();
    if (errno === constants.errno.EINTR) return [];
    throw systemError(errno, 'epoll_wait', 'wait on', epfd);
  }
  return Array.from({ length: count }, (_, i) => ({
    events: buffer.readUInt32LE(i * EVENT_SIZE),
    token: buffer.readBigUInt64LE(i * EVENT_SIZE + TOKEN_AT),
  }));
}
