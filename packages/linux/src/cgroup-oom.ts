import { readFileSync, watch, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readFlat } from './cgroup-files.ts';
import type { CgroupPaths } from './cgroup-layout.ts';
import { O_RDONLY } from './constants.ts';
import { hasCode } from './errors.ts';
import { eventfd, eventfdRead } from './eventfd.ts';
import { close, open } from './fd.ts';
import type { Poller } from './poller.ts';

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
    return paths.v2 === undefined ? undefined : watchV2(join(paths.v2, 'memory.events'), callback);
  } catch (e) {
    if (hasCode(e, 'ENOENT', 'ENODEV')) return undefined;
    throw e;
  }
}

/**
 * How many processes of a cgroup the kernel has killed for want of memory, be it the cgroup's or the machine's; with v2
 * also of those below it.
 *
 * @returns undefined if nobody counts: the memory controller is not there, the cgroup is gone, or before kernel 4.13.
 */
export async function readOomKills(paths: CgroupPaths): Promise<bigint | undefined> {
  const v1 = paths.v1.get('memory');
  if (v1 !== undefined) return (await readFlat(join(v1, 'memory.oom_control')))?.oom_kill;
  return paths.v2 === undefined ? undefined : (await readFlat(join(paths.v2, 'memory.events')))?.oom_kill;
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

/** The kernel marks the file changed; inotify tells that of any file system, and needs no descriptor for each. */
function watchV2(file: string, callback: () => void): Disposable {
  const watcher = watch(file, { persistent: false });
  let kills: bigint | undefined;
  let reading: Promise<void> | undefined;
  const look = async () => {
    const now = (await readFlat(file))?.oom_kill;
    if (now === undefined) watcher.close();
    else if (kills !== undefined && now > kills) callback();
    kills = now;
  };
  const lookAgain = () => {
    // A change during a read may have come too late for it.
    reading = (reading ?? Promise.resolve()).then(look).catch(() => {});
  };
  watcher.on('change', lookAgain);
  // The cgroup is gone.
  watcher.on('error', () => watcher.close());
  lookAgain();
  return { [Symbol.dispose]: () => watcher.close() };
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
