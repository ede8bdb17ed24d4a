import { readFileSync, readSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseFlat } from './cgroup-files.ts';
import type { CgroupPaths } from './cgroup-layout.ts';
import { O_RDONLY } from './constants.ts';
import { hasCode } from './errors.ts';
import { eventfd, eventfdRead } from './eventfd.ts';
import { close, open } from './fd.ts';
import { EPOLLPRI, type Poller } from './poller.ts';

/**
 * Calls back when the kernel runs out of memory in a cgroup.
 *
 * v1 says so when it meets the limit, shortly before it kills; v2 when it has killed.
 *
 * @returns disposing it ends the watch, as the removal of a v1 cgroup does; of a v2 cgroup's removal nobody tells.
 *   Undefined if the memory controller is not there, or the cgroup is gone.
 */
export function watchOom(paths: CgroupPaths, poller: Poller, callback: () => void): Disposable | undefined {
  const v1 = paths.v1.get('memory');
  try {
    if (v1 !== undefined) return watchV1(v1, poller, callback);
    return paths.v2 === undefined ? undefined : watchV2(join(paths.v2, 'memory.events'), poller, callback);
  } catch (e) {
    if (hasCode(e, 'ENOENT', 'ENODEV')) return undefined;
    throw e;
  }
}

function watchV1(directory: string, poller: Poller, callback: () => void): Disposable {
  const control = open(join(directory, 'memory.oom_control'), O_RDONLY);
  const event = eventfd();
  const release = once(() => {
    poller.unwatch(event);
    close(event);
  });
  try {
    poller.watchFd(event, () => {
      eventfdRead(event);
      // The kernel also signals the removal of the cgroup.
      if (isThere(join(directory, 'memory.oom_control'))) callback();
      else release();
    });
    writeFileSync(join(directory, 'cgroup.event_control'), `${event} ${control}`);
  } catch (e) {
    release();
    throw e;
  } finally {
    // The registration lives as long as the eventfd.
    close(control);
  }
  return { [Symbol.dispose]: release };
}

function watchV2(file: string, poller: Poller, callback: () => void): Disposable {
  const fd = open(file, O_RDONLY);
  const release = once(() => {
    poller.unwatch(fd);
    close(fd);
  });
  try {
    // Reading is what arms the next event.
    let kills = readKills(fd) ?? 0n;
    poller.watchFd(
      fd,
      () => {
        const now = readKills(fd);
        if (now === undefined) {
          release();
        } else if (now > kills) {
          kills = now;
          callback();
        }
      },
      { events: EPOLLPRI },
    );
  } catch (e) {
    release();
    throw e;
  }
  return { [Symbol.dispose]: release };
}

/** Undefined once the cgroup is gone. */
function readKills(fd: number): bigint | undefined {
  const buffer = Buffer.alloc(4096);
  try {
    const size = readSync(fd, buffer, 0, buffer.length, 0);
    return parseFlat(buffer.toString('latin1', 0, size)).oom_kill ?? 0n;
  } catch (e) {
    if (hasCode(e, 'ENODEV')) return undefined;
    throw e;
  }
}

function isThere(file: string): boolean {
  try {
    readFileSync(file);
    return true;
  } catch (e) {
    if (hasCode(e, 'ENOENT', 'ENODEV')) return false;
    throw e;
  }
}

function once(fn: () => void): () => void {
  let done = false;
  return () => {
    if (done) return;
    done = true;
    fn();
  };
}
