import { O_CLOEXEC, O_NONBLOCK, O_RDONLY, O_RDWR, O_WRONLY } from './constants.ts';
import { checked } from './errors.ts';
import { close, setBlocking } from './fd.ts';
import { c } from './libc.ts';
import { cstring, type Path } from './path.ts';

const FIONREAD = 0x541b;

/** Makes a FIFO. EEXIST if anything is there, even a dangling link. */
export function mkfifo(path: Path, mode: number): void {
  checked(c.mkfifo(cstring(path), mode), 'mkfifo', 'make FIFO', path);
}

export interface FifoOptions {
  /**
   * Whether reads and writes return EAGAIN instead of waiting. Default false, which is what a container expects of
   * its stdio; it is a property of the description, so every duplicate has it too.
   */
  readonly nonblocking?: boolean;
}

const accessFlags = { read: O_RDONLY, write: O_WRONLY, both: O_RDWR } as const;

/**
 * Opens a FIFO without ever waiting for a peer, O_CLOEXEC, unknown to libuv.
 *
 * @param access - `both` is its own peer: its writer never gets SIGPIPE, its reader never sees an end. `write` fails
 *   with ENXIO while nobody has it open for reading.
 */
export function openFifo(path: Path, access: 'read' | 'write' | 'both', options: FifoOptions = {}): number {
  // A description opened O_NONBLOCK and then cleared is as good as one that waited for its peer.
  const flags = accessFlags[access] | O_NONBLOCK | O_CLOEXEC;
  const fd = checked(c.open(cstring(path), flags, 0), 'open', `open FIFO for ${access}`, path);
  try {
    if (options.nonblocking !== true) setBlocking(fd);
    return fd;
  } catch (e) {
    close(fd);
    throw e;
  }
}

/** How many bytes a read would find now: FIFO, pipe, socket or terminal. */
export function fionread(fd: number): number {
  const count = new Int32Array(1);
  checked(c.ioctl(fd, FIONREAD, new Uint8Array(count.buffer)), 'ioctl', 'count unread bytes of', fd);
  return count[0] as number;
}
