import { readdirSync, readFileSync } from 'node:fs';
import { O_CLOEXEC, O_RDWR } from './constants.ts';
import { hasCode, systemError } from './errors.ts';
import { close, dup } from './fd.ts';
import { addressOf, bind, type Memory } from './libc.ts';
import { cstring } from './path.ts';

const POSIX_SPAWN_SETSIGDEF = 0x04;
const POSIX_SPAWN_SETSIGMASK = 0x08;
/** glibc 2.26 */
const POSIX_SPAWN_SETSID = 0x80;
/** More than glibc's opaque types have on 64-bit Linux: 80 and 336 bytes. */
const ACTIONS_SIZE = 128;
const ATTRIBUTES_SIZE = 512;
const SIGSET_SIZE = 128;

const c = {
  actionsInit: bind<[Memory]>('int posix_spawn_file_actions_init(void *actions)'),
  actionsDestroy: bind<[Memory]>('int posix_spawn_file_actions_destroy(void *actions)'),
  addOpen: bind<[Memory, number, Memory, number, number]>(
    'int posix_spawn_file_actions_addopen(void *actions, int fd, const void *path, int flags, uint mode)',
  ),
  addDup2: bind<[Memory, number, number]>(
    'int posix_spawn_file_actions_adddup2(void *actions, int fd, int target)',
  ),
  addClose: bind<[Memory, number]>('int posix_spawn_file_actions_addclose(void *actions, int fd)'),
  attributesInit: bind<[Memory]>('int posix_spawnattr_init(void *attributes)'),
  attributesDestroy: bind<[Memory]>('int posix_spawnattr_destroy(void *attributes)'),
  setFlags: bind<[Memory, number]>('int posix_spawnattr_setflags(void *attributes, short flags)'),
  setDefault: bind<[Memory, Memory]>('int posix_spawnattr_setsigdefault(void *attributes, const void *set)'),
  setMask: bind<[Memory, Memory]>('int posix_spawnattr_setsigmask(void *attributes, const void *set)'),
  spawnp: bind<[Memory, Memory, Memory, Memory, Memory, Memory]>(
    'int posix_spawnp(void *pid, const void *file, const void *actions, const void *attributes, void *argv, void *envp)',
  ),
};

export interface SpawnOptions {
  /** Name in PATH of this process, or path. */
  readonly file: string;
  /** Without the name of the program, which is `file`. */
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** What becomes descriptor 0, 1, 2, ... of the child; null for /dev/null. */
  readonly fds: readonly (number | null)[];
  /** Gives the child a session of its own, so that no terminal's signals reach it. */
  readonly newSession?: boolean | undefined;
  /**
   * Keeps from the child what this process itself was given by accident: descriptors that are not O_CLOEXEC. For
   * children that live long. Reads /proc.
   */
  readonly closeOthers?: boolean | undefined;
}

/**
 * Starts a child process by posix_spawn(3), which lends it this process's memory until it runs the program. A fork
 * of a process of Node's size costs milliseconds instead: for copies of page tables, and for the page faults after.
 *
 * Descriptors reach the child only by `fds`, as long as all others are O_CLOEXEC; nobody makes them nonblocking on
 * the way. Signals are as a new process expects them; the working directory is this process's.
 *
 * Nobody waits for the child: watch it by its pid, and reap it (`Poller.watchPid`, `reapKnown`).
 *
 * @returns its pid.
 * @throws a SystemError: ENOENT if there is no such program, EACCES if it may not be run, ...
 */
export function spawnProcess(options: SpawnOptions): number {
  const { file, args, env, fds, newSession = false, closeOthers = false } = options;
  const [actions, attributes] = [new Uint8Array(ACTIONS_SIZE), new Uint8Array(ATTRIBUTES_SIZE)];
  const argv = strings([file, ...args]);
  const envp = strings(Object.entries(env).map(([name, value]) => `${name}=${value}`));
  const pid = new Int32Array(1);
  const lifted: number[] = [];
  /** One that is itself a number to be given would be replaced before it was given. */
  const lift = (fd: number): number => {
    if (fd >= fds.length) return fd;
    const above = dup(fd, fds.length);
    lifted.push(above);
    return above;
  };
  check(c.actionsInit(actions));
  check(c.attributesInit(attributes));
  try {
    fds.forEach((fd, target) => {
      check(
        fd === null
          ? c.addOpen(actions, target, cstring('/dev/null'), O_RDWR, 0)
          : c.addDup2(actions, lift(fd), target),
      );
    });
    if (closeOthers) for (const fd of inheritable(fds.length)) check(c.addClose(actions, fd));
    const session = newSession ? POSIX_SPAWN_SETSID : 0;
    check(c.setFlags(attributes, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK | session));
    // Node ignores SIGPIPE, and a program would inherit that.
    check(c.setDefault(attributes, new Uint8Array(SIGSET_SIZE).fill(0xff)));
    check(c.setMask(attributes, new Uint8Array(SIGSET_SIZE)));
    check(c.spawnp(new Uint8Array(pid.buffer), cstring(file), actions, attributes, argv.table, envp.table));
    return pid[0] as number;
  } finally {
    for (const fd of lifted) close(fd);
    c.actionsDestroy(actions);
    c.attributesDestroy(attributes);
  }

  /** These functions return what went wrong, and leave errno alone. */
  function check(errno: number): void {
    if (errno !== 0) throw systemError(errno, 'posix_spawn', 'run', file);
  }
}

/** A NULL-terminated array of strings. `bytes` keeps the strings alive for as long as the table is used. */
function strings(texts: readonly string[]): {
  readonly table: Uint8Array;
  readonly bytes: readonly Uint8Array[];
} {
  const bytes = texts.map(cstring);
  const table = new BigUint64Array([...bytes.map(addressOf), 0n]);
  return { table: new Uint8Array(table.buffer), bytes };
}

/** Descriptors from `first` on that a child would inherit. */
function inheritable(first: number): number[] {
  return readdirSync('/proc/self/fd')
    .map(Number)
    .filter((fd) => fd >= first && !isCloseOnExec(fd));
}

function isCloseOnExec(fd: number): boolean {
  try {
    const flags = /^flags:\s*(\d+)$/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'latin1'))?.[1];
    return (Number.parseInt(flags ?? '0', 8) & O_CLOEXEC) !== 0;
  } catch (e) {
    // The one that the listing itself was read by.
    if (hasCode(e, 'ENOENT')) return true;
    throw e;
  }
}
