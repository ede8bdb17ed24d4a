import type { Socket } from 'node:net';
import { checked, systemError } from './errors.ts';
import { c } from './libc.ts';

const SOL_SOCKET = 1;
const SO_PEERCRED = 17;
const EBADF = 9;

/** Who was at the other end of a unix socket when it connected. */
export interface PeerCredentials {
  readonly pid: number;
  readonly uid: number;
  readonly gid: number;
}

/** Credentials of the peer of a connected unix stream socket. */
export function peerCredentials(fd: number): PeerCredentials {
  const ucred = new Int32Array(3);
  const length = new Uint32Array([12]);
  checked(
    c.getsockopt(fd, SOL_SOCKET, SO_PEERCRED, new Uint8Array(ucred.buffer), new Uint8Array(length.buffer)),
    'getsockopt',
    'read peer of',
    fd,
  );
  // An unmapped or absent id is 2^32-1 to the kernel and -1 here; keep it unsigned so that it equals nobody's.
  const [pid = 0, uid = -1, gid = -1] = ucred;
  return { pid, uid: uid >>> 0, gid: gid >>> 0 };
}

/** The same of a Node socket, which must still be open: EBADF otherwise. */
export function socketPeerCredentials(socket: Socket): PeerCredentials {
  return peerCredentials(socketFd(socket));
}

/** The descriptor under a Node socket or server. It stays Node's: neither close it nor keep it. */
export function socketFd(socket: object): number {
  const fd = (socket as { _handle?: { fd?: number } | null })._handle?.fd;
  if (fd === undefined || fd < 0) throw systemError(EBADF, 'getsockopt', 'find descriptor of', 'socket');
  return fd;
}
