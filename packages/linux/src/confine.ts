import { realpathSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { constants } from 'node:os';
import { isMainThread } from 'node:worker_threads';
import type { Mount } from '@stowage/core';
import { O_DIRECTORY, O_PATH } from './constants.ts';
import { checked, hasCode, systemError } from './errors.ts';
import { close, open } from './fd.ts';
import { bindAll, c } from './libc.ts';
import { MNT_DETACH, mountAll, mountRaw, umountAll } from './mount.ts';
import { MS } from './mount-options.ts';
import { isWithin, threadMountInfo } from './mountinfo.ts';
import { CLONE_FS, CLONE_NEWNS } from './namespace.ts';
import { cstring } from './path.ts';
import { setUmask } from './process.ts';

/**
 * Starts all threads of libuv's pool, from the main thread, before any thread of this process changes its root.
 *
 * They start at the first asynchronous call and take over the root of the thread that makes it: an asynchronous call of
 * a confined worker, coming first, would confine all of node:fs with it.
 */
export async function primePool(): Promise<void> {
  if (!isMainThread) throw notHere('prime', 'thread pool', 'only the main thread may');
  const size = Math.min(Math.max(Number(process.env.UV_THREADPOOL_SIZE ?? 4) || 4, 1), 1024);
  await Promise.all(Array.from({ length: size * 2 }, () => stat('/')));
}

/** What a jailed tree's files cannot do. All three default to true. */
export interface JailOptions {
  /** Device nodes cannot be opened. */
  readonly nodev?: boolean;
  readonly nosuid?: boolean;
  readonly noexec?: boolean;
}

/** A thread that has mounts, root, working directory and umask of its own. */
export interface PrivateRoot extends Disposable {
  /**
   * Mounts at `target`, for this thread only, and makes that its root.
   *
   * From then on only synchronous node:fs calls and this package: asynchronous ones run outside on libuv's pool, and
   * `import` or `require` would run code out of the jail, so everything must be loaded before. This package is.
   *
   * @param mounts - Empty: the directory itself, as it is. Recursive binds bring in no mounts from below.
   * @returns disposing it is to {@link PrivateRoot.leave}.
   */
  jail(mounts: readonly Mount[], target: string, options?: JailOptions): Disposable;
  /** Back to the old root; undoes the mounts. Nothing happens outside a jail. */
  leave(): void;
}

/**
 * Gives this worker thread a mount namespace, root, working directory and umask (0) of its own, once in its life. What
 * it mounts from now on nobody else sees, and it is gone with the thread.
 *
 * @param keep - Directories, existing ones, that jails will be made of. A namespace is a copy of all mounts, and a copy of a mount holds
 *   its filesystem after the original is unmounted, so every mount that is not on the way to one of these is let go.
 */
export function enterPrivateRoot(keep: readonly string[]): PrivateRoot {
  if (isMainThread) throw notHere('confine', 'main thread', 'only a worker may be');
  bindAll();
  checked(c.unshare(CLONE_FS | CLONE_NEWNS), 'unshare', 'leave shared', 'mounts');
  setUmask(0);
  mountRaw('', '/', '', MS.REC | MS.PRIVATE, undefined);
  letGo([...keep.map((path) => realpathSync(path)), '/proc']);
  const outside = open('/', O_PATH | O_DIRECTORY);
  let jailed: string | undefined;

  const leave = () => {
    if (jailed === undefined) return;
    checked(c.fchdir(outside), 'fchdir', 'leave', jailed);
    checked(c.chroot(cstring('.')), 'chroot', 'leave', jailed);
    const target = jailed;
    jailed = undefined;
    detach(target);
  };

  return {
    jail(mounts, target, options = {}) {
      if (jailed !== undefined) throw notHere('jail', target, `still in ${jailed}`);
      mountAll(restricted(mounts, target, options), target);
      try {
        checked(c.chroot(cstring(target)), 'chroot', 'change root to', target);
      } catch (e) {
        detach(target);
        throw e;
      }
      jailed = target;
      checked(c.chdir(cstring('/')), 'chdir', 'enter', target);
      return { [Symbol.dispose]: leave };
    },
    leave,
    [Symbol.dispose]() {
      leave();
      close(outside);
    },
  };
}

function letGo(keep: readonly string[]): void {
  const points = threadMountInfo().map(({ mountPoint }) => mountPoint);
  for (const point of points.reverse()) {
    if (point === '/' || keep.some((path) => isWithin(path, point))) continue;
    c.umount2(cstring(point), MNT_DETACH);
  }
}

/** A recursive bind sets flags at its top only; what is mounted below would bring its devices into the jail. */
function restricted(mounts: readonly Mount[], target: string, options: JailOptions): Mount[] {
  const { nodev = true, nosuid = true, noexec = true } = options;
  const flags = [...(nodev ? ['nodev'] : []), ...(nosuid ? ['nosuid'] : []), ...(noexec ? ['noexec'] : [])];
  const made: readonly Mount[] =
    mounts.length > 0 ? mounts : [{ type: 'bind', source: target, options: ['bind'] }];
  return made.map((mount) => ({
    ...mount,
    options: [...mount.options.map((option) => (option === 'rbind' ? 'bind' : option)), ...flags],
  }));
}

function detach(target: string): void {
  try {
    umountAll(target);
  } catch (e) {
    // A descriptor was left open in there. The mount is gone from this thread's sight either way.
    if (!hasCode(e, 'EBUSY')) throw e;
    umountAll(target, MNT_DETACH);
  }
}

const notHere = (operation: string, subject: string, why: string) =>
  systemError(constants.errno.EINVAL, 'unshare', operation, subject, why);
