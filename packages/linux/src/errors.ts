import { constants } from 'node:os';
import { c, lastErrno } from './libc.ts';

/** A failed system call, shaped as node:fs shapes its errors. */
export interface SystemError extends Error {
  /** `EBUSY`, `ENOENT`, ... Branch on this. */
  readonly code: string;
  /** Negative, as Node has it. */
  readonly errno: number;
  /** The system call: `mount`, `lgetxattr`, ... */
  readonly syscall: string;
}

// Linux numbers libuv knows no name for.
const rare: Readonly<Record<number, string>> = {
  35: 'EDEADLK',
  39: 'ENOTEMPTY',
  77: 'EBADFD',
  116: 'ESTALE',
  117: 'EUCLEAN',
  122: 'EDQUOT',
  123: 'ENOMEDIUM',
  124: 'EMEDIUMTYPE',
  125: 'ECANCELED',
  126: 'ENOKEY',
  129: 'EKEYREJECTED',
  524: 'ENOTSUPP',
};

const names = new Map<number, string>([
  ...Object.entries(rare).map(([n, name]) => [Number(n), name] as const),
  ...Object.entries(constants.errno).map(([name, n]) => [n, name] as const),
  // Two names for one number: the one a Linux manual page uses.
  [constants.errno.EAGAIN, 'EAGAIN'],
  [constants.errno.EOPNOTSUPP, 'EOPNOTSUPP'],
]);

/** `ENOENT` for 2 and so on; `E<number>` for one without a name. */
export const errnoName = (errno: number): string => names.get(errno) ?? `E${errno}`;

/**
 * An error for `errno` (positive), reading *operation subject: reason (CODE)*.
 *
 * @param detail - What the kernel said beyond errno, if anything.
 */
export function systemError(
  errno: number,
  syscall: string,
  operation: string,
  subject: string | number | Uint8Array,
  detail = '',
): SystemError {
  const code = errnoName(errno);
  const reason = `${c.strerror(errno)} (${code})${detail === '' ? '' : `: ${detail}`}`;
  const error = new Error(`${operation} ${shown(subject)}: ${reason}`);
  return Object.assign(error, { code, errno: -errno, syscall });
}

const shown = (subject: string | number | Uint8Array): string => {
  if (typeof subject === 'number') return `fd ${subject}`;
  return typeof subject === 'string' ? subject : Buffer.from(subject).toString();
};

/** Whether `e` is a system error (ours or Node's) with one of these codes. */
export function hasCode(e: unknown, ...codes: readonly string[]): e is SystemError {
  const code = (e as { code?: unknown } | null | undefined)?.code;
  return typeof code === 'string' && codes.includes(code);
}

/** Passes a result on, or throws for -1. The call must be the argument itself: errno lives until the next call. */
export function checked(
  result: number,
  syscall: string,
  operation: string,
  subject: string | number | Uint8Array,
): number {
  if (result === -1) throw systemError(lastErrno(), syscall, operation, subject);
  return result;
}

/** Repeats a call that a signal interrupted. */
export function uninterrupted(call: () => number): number {
  for (;;) {
    const result = call();
    if (result !== -1 || lastErrno() !== constants.errno.EINTR) return result;
  }
}
