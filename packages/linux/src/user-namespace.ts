import { writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import { O_RDONLY } from './constants.ts';
import { checked, hasCode, systemError, uninterrupted } from './errors.ts';
import { close, open } from './fd.ts';
import type { IdRange } from './id-map.ts';
import { addressOf, addressOfFunction, c, lastErrno } from './libc.ts';
import { pidfdOpen, pidfdSendSignal } from './process.ts';

const CLONE_NEWUSER = 0x1000_0000;
const WALL = 0x4000_0000;
const PTRACE_SEIZE = 0x4206;
const PTRACE_O_EXITKILL = 0x10_0000;
const STACK_BYTES = 64 << 10;
/** Long for what is to be done meanwhile, and short for what it holds if it outlives this process all the same. */
const LIFE_MICROSECONDS = 200_000;
const TRIES = 20;

/**
 * A descriptor of a new user namespace with these maps, for id-mapped mounts; the caller's to close. Nobody is in it.
 *
 * Namespaces are made with a process. That one is a copy of this one which runs nothing but usleep(3), and is gone when
 * this returns; it costs a millisecond or a few. It has copies of all descriptors, so of locks too: the kernel ends it
 * with the thread that calls this (ptrace(2), where allowed), and it does not live long by itself.
 *
 * Needs the right to map these ids: CAP_SETUID and CAP_SETGID.
 *
 * @throws EINVAL, EPERM, ENOSPC (user.max_user_namespaces)
 */
export function openUserNamespace(uids: readonly IdRange[], gids: readonly IdRange[]): number {
  for (let tries = 1; ; tries++) {
    try {
      return tryOpen(uids, gids);
    } catch (e) {
      // It ended before all was done, on a machine that is very busy.
      if (tries === TRIES || !hasCode(e, 'ENOENT', 'ESRCH')) throw e;
    }
  }
}

function tryOpen(uids: readonly IdRange[], gids: readonly IdRange[]): number {
  const pid = sleeper();
  try {
    c.ptrace(PTRACE_SEIZE, pid, 0, PTRACE_O_EXITKILL);
    const pidfd = pidfdOpen(pid);
    try {
      write(`/proc/${pid}/uid_map`, uids);
      write(`/proc/${pid}/gid_map`, gids);
      return open(`/proc/${pid}/ns/user`, O_RDONLY);
    } finally {
      end(pidfd);
      close(pidfd);
    }
  } finally {
    reap(pid);
  }
}

/** No signal tells of its end, so nobody who listens for SIGCHLD hears of it. */
function sleeper(): number {
  const stack = Buffer.alloc(STACK_BYTES);
  const top = ((addressOf(stack) + BigInt(STACK_BYTES)) / 16n) * 16n;
  const pid = c.clone(addressOfFunction('usleep'), top, CLONE_NEWUSER, LIFE_MICROSECONDS);
  return checked(pid, 'clone', 'make', 'user namespace');
}

function end(pidfd: number): void {
  try {
    pidfdSendSignal(pidfd, 'SIGKILL');
  } catch (e) {
    if (!hasCode(e, 'ESRCH')) throw e;
  }
}

/** Until it has ended; a tracer is told of stops too. */
function reap(pid: number): void {
  const status = new Int32Array(1);
  do {
    const result = uninterrupted(() => c.waitpid(pid, new Uint8Array(status.buffer), WALL));
    // ECHILD: somebody else here waits for all children, and was faster.
    if (result === -1 && lastErrno() === constants.errno.ECHILD) return;
    checked(result, 'waitpid', 'wait for', `${pid}`);
  } while (((status[0] ?? 0) & 0xff) === 0x7f);
}

function write(path: string, ranges: readonly IdRange[]): void {
  const lines = ranges.map(({ containerId, hostId, size }) => `${containerId} ${hostId} ${size}\n`);
  try {
    writeFileSync(path, lines.join(''));
  } catch (e) {
    const { errno = -constants.errno.EINVAL } = e as { errno?: number };
    throw systemError(-errno, 'write', 'set', path, `ids ${lines.join('').trim().replaceAll('\n', ', ')}`);
  }
}
