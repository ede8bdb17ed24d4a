import { constants } from 'node:os';
import { NR } from './constants.ts';
import { checked, systemError, uninterrupted } from './errors.ts';
import { c, lastErrno } from './libc.ts';

const PR_SET_CHILD_SUBREAPER = 36;
const PR_GET_CHILD_SUBREAPER = 37;
const WNOHANG = 1;

/**
 * Makes this process the parent of its descendants' orphans, or no longer. Children do not inherit it. Only for a
 * process whose whole life is ours: whoever sets it must reap.
 */
export function setSubreaper(on: boolean): void {
  checked(c.prctl(PR_SET_CHILD_SUBREAPER, on ? 1 : 0, 0, 0, 0), 'prctl', 'set subreaper of', 'this process');
}

/** Whether this process is a subreaper. */
export function isSubreaper(): boolean {
  const value = new Int32Array(1);
  const result = c.prctlOut(PR_GET_CHILD_SUBREAPER, new Uint8Array(value.buffer), 0, 0, 0);
  checked(result, 'prctl', 'read subreaper of', 'this process');
  return value[0] !== 0;
}

/**
 * Sets the umask and returns the old one.
 *
 * It is the process's, shared by all threads, except in a thread that has unshared CLONE_FS, where it is the thread's
 * own. Unlike `process.umask` it works in a worker.
 */
export const setUmask = (mask: number): number => c.umask(mask);

/** A descriptor for a process, O_CLOEXEC. ESRCH if there is none. It becomes readable at the process's exit. */
export function pidfdOpen(pid: number): number {
  return checked(c.syscall0(NR.pidfd_open, pid, 0, 0, 0), 'pidfd_open', 'open process', `${pid}`);
}

/** Sends a signal to exactly the process the descriptor was opened for. ESRCH once it was reaped. */
export function pidfdSendSignal(pidfd: number, signal: NodeJS.Signals | number): void {
  const number = typeof signal === 'number' ? signal : constants.signals[signal];
  const result = c.syscall0(NR.pidfd_send_signal, pidfd, number, 0, 0);
  checked(result, 'pidfd_send_signal', `send signal ${signal} to`, pidfd);
}

/** How a process ended. Exactly one of `status` and `signal` is set. */
export interface ExitStatus {
  /** Argument of exit(2), 0 to 255. */
  readonly status: number | undefined;
  /** Number of the signal that killed it. */
  readonly signal: number | undefined;
}

export type WaitResult = { readonly exited: false } | ({ readonly exited: true } & ExitStatus);

/**
 * Reaps one child if it has ended, and says how. Never waits, never reaps another than `pid`.
 *
 * ECHILD if it is no child of this process, or somebody reaped it before.
 */
export function waitpid(pid: number): WaitResult {
  if (!Number.isInteger(pid) || pid <= 0) {
    throw systemError(constants.errno.EINVAL, 'waitpid', 'wait for process', `${pid}`);
  }
  const raw = new Int32Array(1);
  const bytes = new Uint8Array(raw.buffer);
  const result = uninterrupted(() => c.waitpid(pid, bytes, WNOHANG));
  checked(result, 'waitpid', 'wait for process', `${pid}`);
  return result === 0 ? { exited: false } : { exited: true, ...decodeWaitStatus(raw[0] as number) };
}

/** What wait(2) and field 52 of /proc/PID/stat encode in one number. */
export function decodeWaitStatus(raw: number): ExitStatus {
  const signal = raw & 0x7f;
  return signal === 0 ? { status: (raw >>> 8) & 0xff, signal: undefined } : { status: undefined, signal };
}

/** The one number a shell and containerd show for an exit: the status, or 128 + signal. */
export const exitCode = (exit: ExitStatus): number => exit.status ?? 128 + (exit.signal ?? 0);

const PIDFD_GET_INFO = 0xc040ff0b;
const PIDFD_INFO_SIZE = 64;
const PIDFD_INFO_EXIT = 1n << 3n;
const ENOTTY = constants.errno.ENOTTY;
const EINVAL = constants.errno.EINVAL;
const ESRCH = constants.errno.ESRCH;

/**
 * How the process of a pidfd ended, child or not, after it was reaped.
 *
 * @returns `unsupported` before kernel 6.15, `unknown` while it runs or is a zombie, or if the kernel kept nothing.
 */
export function pidfdExit(pidfd: number): ExitStatus | 'unsupported' | 'unknown' {
  const info = Buffer.alloc(PIDFD_INFO_SIZE);
  info.writeBigUInt64LE(PIDFD_INFO_EXIT, 0);
  if (c.ioctl(pidfd, PIDFD_GET_INFO, info) === -1) {
    const errno = lastErrno();
    if (errno === ENOTTY || errno === EINVAL) return 'unsupported';
    // Before 6.15 a reaped process has no information at all.
    if (errno === ESRCH) return 'unknown';
    throw systemError(errno, 'ioctl', 'read exit of', pidfd);
  }
  if ((info.readBigUInt64LE(0) & PIDFD_INFO_EXIT) === 0n) return 'unknown';
  return decodeWaitStatus(info.readInt32LE(60));
}
