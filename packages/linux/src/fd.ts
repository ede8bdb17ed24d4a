import { O_CLOEXEC, O_NONBLOCK } from './constants.ts';
import { checked } from './errors.ts';
import { c } from './libc.ts';
import { cstring, type Path } from './path.ts';

const F_DUPFD_CLOEXEC = 1030;
const F_GETFL = 3;
const F_SETFL = 4;

/**
 * open(2), always with O_CLOEXEC. The descriptor is the caller's to {@link close} and libuv never hears of it, so
 * nobody sets O_NONBLOCK behind its back.
 *
 * Waits for a peer if it is a FIFO opened for one direction without O_NONBLOCK: use {@link openFifo} for those.
 *
 * @param flags - Numbers of `fs.constants`, or O_PATH.
 * @param mode - For O_CREAT; subject to the umask.
 */
export function open(path: Path, flags: number, mode = 0o600): number {
  return checked(c.open(cstring(path), flags | O_CLOEXEC, mode), 'open', 'open', path);
}

/**
 * Closes a descriptor opened here. Never throws for what the kernel reports late (EIO, EINTR): it is closed all the
 * same. EBADF is thrown, since it means that somebody else's descriptor was about to be closed.
 */
export function close(fd: number): void {
  const result = c.close(fd);
  if (result === -1) {
    try {
      checked(result, 'close', 'close', fd);
    } catch (e) {
      if ((e as { code?: string }).code === 'EBADF') throw e;
    }
  }
}

/**
 * A second descriptor for the same description, O_CLOEXEC. File status flags such as O_NONBLOCK are shared.
 *
 * @param least - The lowest number that it may have. Default 3.
 */
export function dup(fd: number, least = 3): number {
  return checked(c.fcntl(fd, F_DUPFD_CLOEXEC, least), 'fcntl', 'duplicate', fd);
}

/** Sets O_NONBLOCK on the description, so for everyone who shares it. Never on one that a container holds. */
export function setNonblocking(fd: number): void {
  const flags = checked(c.fcntl(fd, F_GETFL, 0), 'fcntl', 'read flags of', fd);
  checked(c.fcntl(fd, F_SETFL, flags | O_NONBLOCK), 'fcntl', 'set nonblocking', fd);
}

/** Clears O_NONBLOCK on the description, so for everyone who shares it. */
export function setBlocking(fd: number): void {
  const flags = checked(c.fcntl(fd, F_GETFL, 0), 'fcntl', 'read flags of', fd);
  checked(c.fcntl(fd, F_SETFL, flags & ~O_NONBLOCK), 'fcntl', 'set blocking', fd);
}

/** The file status flags of the description: access mode, O_NONBLOCK, O_APPEND, O_PATH, ... */
export function statusFlags(fd: number): number {
  return checked(c.fcntl(fd, F_GETFL, 0), 'fcntl', 'read flags of', fd);
}
