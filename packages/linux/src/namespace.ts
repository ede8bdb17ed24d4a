import { checked } from './errors.ts';
import { c } from './libc.ts';

export const CLONE_FS = 0x200;
export const CLONE_NEWNS = 0x20000;

/**
 * Moves this thread into the namespace of a descriptor (or a pidfd's, on kernel 5.8).
 *
 * A mount namespace refuses a thread that shares its root and cwd with others (EINVAL): unshare CLONE_FS first. Only
 * for a worker that does nothing else.
 *
 * @param type - CLONE_NEW* that the descriptor must be of; 0 for any.
 */
export function setns(fd: number, type: number): void {
  checked(c.setns(fd, type), 'setns', 'enter namespace', fd);
}
