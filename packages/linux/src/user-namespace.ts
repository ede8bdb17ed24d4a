import { writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import { O_RDONLY } from './constants.ts';
import { checked, systemError, uninterrupted } from './errors.ts';
import { close, open } from './fd.ts';
import type { IdRange } from './id-map.ts';
import { addressOf, addressOfFunction, c, lastErrno } from './libc.ts';
import { pidfdOpen, pidfdSendSignal } from './process.ts';

const CLONE_NEWUSER = 0x1000_0000;
const WALL = 0x4000_0000;
const STACK_BYTES = 64 << 10;
/** Should this process die meanwhile, its child follows by itself. */
const LIFE_SECONDS = 10;

/**
 * A descriptor of a new user namespace with these maps, for id-mapped mounts; the caller's to close. Nobody is in it.
 *
 * Namespaces are made with a process. That one is a copy of this one which runs nothing but sleep(3), and is gone when
 * this returns; it costs a millisecond or a few. Needs the right to map these ids: CAP_SETUID and CAP_SETGID.
 *
 * @throws EINVAL, EPERM, ENOSPC (user.max_user_namespaces)
 */
export function openUserNamespace(uids: readonly IdRange[], gids: readonly IdRange[]): number {
  const pid = sleeper();
  try {
    const pidfd = pidfdOpen(pid);
    try {
      write(`/proc/${pid}/uid_map`, uids);
      write(`/proc/${pid}/gid_map`, gids);
      return open(`/proc/${pid}/ns/user`, O_RDONLY);
    } finally {
      pidfdSendSignal(pidfd, 'SIGKILL');
      close(pidfd);
    }
  } finally {
    // ECHILD: somebody else here waits for all children, and was faster.
    const result = uninterrupted(() => c.waitpid(pid, null, WALL));
    if (result === -1 && lastErrno() !== constants.errno.ECHILD) {
      checked(result, 'waitpid', 'wait for', `${pid}`);
    }
  }
}

/** No signal tells of its end, so nobody who listens for SIGCHLD hears of it. */
function sleeper(): number {
  const stack = Buffer.alloc(STACK_BYTES);
  const top = ((addressOf(stack) + BigInt(STACK_BYTES)) / 16n) * 16n;
  const pid = c.clone(addressOfFunction('sleep'), top, CLONE_NEWUSER, LIFE_SECONDS);
  return checked(pid, 'clone', 'make', 'user namespace');
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
