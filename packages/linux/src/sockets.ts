import { fchmodSync } from 'node:fs';
import { constants } from 'node:os';
import { O_CLOEXEC, O_NONBLOCK } from './constants.ts';
import { checked, systemError } from './errors.ts';
import { close } from './fd.ts';
import { c, lastErrno } from './libc.ts';
import { sendMessage } from './message.ts';

export type { MessageOptions, ReceivedMessage } from './message.ts';
export { receiveMessage, sendMessage } from './message.ts';
export * from './peer.ts';

const AF_UNIX = 1;
const SOCK_STREAM = 1;
const SOCK_DGRAM = 2;
const SOCK_SEQPACKET = 5;
const LONGEST_PATH = 107;

export interface UnixSocketOptions {
  /** `seqpacket` keeps messages apart: each is received as it was sent, or cut to the size asked for. Default `stream`. */
  readonly type?: 'stream' | 'seqpacket' | undefined;
}

/** Two connected unix stream sockets, nonblocking and O_CLOEXEC, unknown to libuv. */
export function socketPair(): [number, number] {
  const pair = new Int32Array(2);
  const type = SOCK_STREAM | O_NONBLOCK | O_CLOEXEC;
  checked(c.socketpair(AF_UNIX, type, 0, new Uint8Array(pair.buffer)), 'socketpair', 'make', 'socket pair');
  return [pair[0] as number, pair[1] as number];
}

/**
 * Listens on a unix socket, nonblocking and O_CLOEXEC, unknown to libuv. EADDRINUSE if anything is at the path.
 *
 * @param mode - Permissions from the first moment on, less the umask. Default 0600.
 */
export function listenUnix(path: string, mode = 0o600, options: UnixSocketOptions = {}): number {
  const address = unixAddress(path);
  const fd = unixSocket(options);
  try {
    // Linux gives the file the mode of the socket, so it is never there with more.
    fchmodSync(fd, mode);
    checked(c.bind(fd, address, address.length), 'bind', 'bind socket', path);
    checked(c.listen(fd, 128), 'listen', 'listen on', path);
    return fd;
  } catch (e) {
    close(fd);
    throw e;
  }
}

/** Takes a connection, nonblocking and O_CLOEXEC. Undefined if none waits. */
export function acceptUnix(listener: number): number | undefined {
  const fd = c.accept4(listener, null, null, O_NONBLOCK | O_CLOEXEC);
  if (fd === -1) {
    const errno = lastErrno();
    const { EAGAIN, ECONNABORTED, EINTR } = constants.errno;
    if (errno === EAGAIN || errno === ECONNABORTED || errno === EINTR) return undefined;
    throw systemError(errno, 'accept4', 'accept on', listener);
  }
  return fd;
}

/** Connects to a unix socket, nonblocking and O_CLOEXEC. EAGAIN if its backlog is full; never waits. */
export function connectUnix(path: string, options: UnixSocketOptions = {}): number {
  const address = unixAddress(path);
  const fd = unixSocket(options);
  try {
    checked(c.connect(fd, address, address.length), 'connect', 'connect to', path);
    return fd;
  } catch (e) {
    close(fd);
    throw e;
  }
}

/**
 * Sends one datagram to a unix socket, as sd_notify(3) does. Never waits.
 *
 * @param path - One that begins with `@` names a socket in the network namespace, not a file.
 * @returns whether it went; otherwise the receiver has no room for it.
 * @throws ENOENT and ECONNREFUSED if nobody listens there.
 */
export function sendDatagram(path: string, data: Uint8Array): boolean {
  const address = path.startsWith('@') ? abstractAddress(path) : unixAddress(path);
  const type = SOCK_DGRAM | O_NONBLOCK | O_CLOEXEC;
  const fd = checked(c.socket(AF_UNIX, type, 0), 'socket', 'make', 'unix socket');
  try {
    checked(c.connect(fd, address, address.length), 'connect', 'connect to', path);
    return sendMessage(fd, data, []) !== undefined;
  } finally {
    close(fd);
  }
}

function unixSocket({ type = 'stream' }: UnixSocketOptions): number {
  const kind = type === 'stream' ? SOCK_STREAM : SOCK_SEQPACKET;
  return checked(c.socket(AF_UNIX, kind | O_NONBLOCK | O_CLOEXEC, 0), 'socket', 'make', 'unix socket');
}

/** Only for sending to somebody else's: see {@link unixAddress}. */
function abstractAddress(name: string): Uint8Array {
  const bytes = Buffer.from(name);
  if (bytes.length > LONGEST_PATH)
    throw systemError(constants.errno.ENAMETOOLONG, 'connect', 'use socket name', name, 'at most 107 bytes');
  const address = Buffer.alloc(2 + bytes.length);
  address.writeUInt16LE(AF_UNIX, 0);
  bytes.copy(address, 2);
  address[2] = 0;
  return address;
}

/** Never abstract: a path is guarded by its directories, a name in the network namespace by nothing. */
function unixAddress(path: string): Uint8Array {
  const bytes = Buffer.from(path);
  if (bytes.length > LONGEST_PATH) {
    throw systemError(constants.errno.ENAMETOOLONG, 'bind', 'use socket path', path, 'at most 107 bytes');
  }
  if (bytes.length === 0 || bytes.includes(0)) {
    throw systemError(constants.errno.EINVAL, 'bind', 'use socket path', JSON.stringify(path));
  }
  const address = Buffer.alloc(2 + bytes.length + 1);
  address.writeUInt16LE(AF_UNIX, 0);
  bytes.copy(address, 2);
  return address;
}
