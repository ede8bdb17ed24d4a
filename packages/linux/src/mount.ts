import { readlinkSync, realpathSync } from 'node:fs';
import { constants } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { Fault, type Mount } from '@stowage/core';
import { checked, hasCode, systemError } from './errors.ts';
import { close } from './fd.ts';
import { bindIdMapped, type MountIdMap, withIdMap, withIdMappedLayers } from './idmapped-mount.ts';
import { c } from './libc.ts';
import { borrowLoop } from './loop.ts';
import { MS, parseMountOptions } from './mount-options.ts';
import { isWithin, threadMountInfo } from './mountinfo.ts';
import { openInRoot } from './openat2.ts';
import { inDirectory, mountOverlayByLayer, shortenOverlay } from './overlay-mount.ts';
import { cstring, type Path } from './path.ts';

export const MNT_FORCE = 1;
export const MNT_DETACH = 2;
export const UMOUNT_NOFOLLOW = 8;

/** mount(2) copies one page of options and cuts the rest off without a word. */
const LONGEST_DATA = 4095;
const perMount = MS.RDONLY | MS.NOSUID | MS.NODEV | MS.NOEXEC | MS.NOSYMFOLLOW | MS.NOATIME | MS.NODIRATIME;

/** mount(2) as it is. */
export function mountRaw(
  source: string,
  target: Path,
  type: string,
  flags: number,
  data: string | undefined,
): void {
  const bytes = data === undefined || data === '' ? null : cstring(data);
  if ((bytes?.length ?? 0) > LONGEST_DATA + 1) {
    throw systemError(constants.errno.E2BIG, 'mount', `mount ${type} at`, target, 'options exceed a page');
  }
  const result = c.mount(cstring(source), cstring(target), cstring(type), flags, bytes);
  checked(result, 'mount', `mount ${type} at`, target);
}

/**
 * Makes one mount of containerd's form at `target`, or at `mount.target` below it, which is looked up without leaving
 * `target` by a link.
 *
 * An overlay whose options exceed a page is mounted layer by layer on kernel 6.5 and later; before that from the
 * directory all layers share, which a worker thread can do and the main thread cannot. With `uidmap=` and `gidmap=` the
 * ids of a bind, or of an overlay's lower layers, are shown mapped. With `loop` the source is a file, attached to a loop
 * device that goes with the mount.
 *
 * @returns the path it was mounted at.
 * @throws a SystemError of the kernel's; nothing is mounted then.
 * @throws Fault `unimplemented` for options of a mount manager.
 */
export function mount(mount: Mount, target: string): string {
  if (mount.target === undefined || mount.target === '' || mount.target === '/') {
    mountAt(mount, target);
    return target;
  }
  const fd = openInRoot(target, mount.target);
  try {
    const link = `/proc/thread-self/fd/${fd}`;
    const path = readlinkSync(link);
    mountAt(mount, link);
    return path;
  } finally {
    close(fd);
  }
}

function mountAt(mount: Mount, target: string): void {
  const { flags, cleared, propagation, idMap, isLoop, data } = parseMountOptions(mount);
  if ((flags & MS.BIND) !== 0 && (flags & MS.REMOUNT) === 0) {
    bind(mount.source, target, flags, cleared, idMap);
  } else if (isLoop) {
    mountLoop(mount, target, flags, data, idMap);
  } else if (idMap !== undefined) {
    mountIdMapped(mount, target, flags, data, idMap);
  } else if (flags !== 0 || data.length > 0 || propagation === 0 || mount.source !== '') {
    mountFilesystem(mount, target, flags, data);
  }
  if (propagation !== 0) {
    try {
      mountRaw('', target, '', propagation, undefined);
    } catch (e) {
      undo(target, flags);
      throw e;
    }
  }
}

function mountFilesystem(mount: Mount, target: string, flags: number, data: readonly string[]): void {
  const joined = data.join(',');
  if (Buffer.byteLength(joined) <= LONGEST_DATA || mount.type !== 'overlay') {
    mountRaw(mount.source, target, mount.type, flags, joined);
    return;
  }
  if ((flags & MS.REMOUNT) === 0 && mountOverlayByLayer(mount.source, target, flags, data)) return;
  const shorter = shortenOverlay(data);
  const shorterData = shorter?.data.join(',') ?? joined;
  inDirectory(shorter?.directory ?? '/', () => {
    mountRaw(mount.source, target, mount.type, flags, shorterData);
  });
}

/** The kernel lets the device go when it is unmounted, or at once if it can't be mounted. */
function mountLoop(
  mount: Mount,
  target: string,
  flags: number,
  data: readonly string[],
  idMap: MountIdMap | undefined,
): void {
  if (idMap !== undefined || (flags & MS.REMOUNT) !== 0)
    throw new Fault('unimplemented', `mount ${mount.source}: a loop device with mapped ids, or a remount`);
  const { device, fd } = borrowLoop(mount.source, { readOnly: (flags & MS.RDONLY) !== 0, mark: 'mounted' });
  try {
    mountFilesystem({ ...mount, source: device }, target, flags, data);
  } finally {
    close(fd);
  }
}

/** Of an overlay the lower layers are mapped; what else could be, is better bound with the map. */
function mountIdMapped(
  mount: Mount,
  target: string,
  flags: number,
  data: readonly string[],
  idMap: MountIdMap,
): void {
  if (mount.type !== 'overlay' || (flags & MS.REMOUNT) !== 0)
    throw new Fault('unimplemented', `mount ${mount.source}: ids can be mapped of binds and overlays only`);
  withIdMappedLayers(data, idMap, (mapped) => mountFilesystem(mount, target, flags, mapped));
}

/** A bind ignores all flags but MS_REC. The others are set by a remount of the mount, never of its filesystem. */
function bind(
  source: string,
  target: string,
  flags: number,
  cleared: number,
  idMap: MountIdMap | undefined,
): void {
  if (idMap === undefined) mountRaw(source, target, '', flags & (MS.BIND | MS.REC | MS.SILENT), undefined);
  else withIdMap(idMap, (namespace) => bindIdMapped(source, target, namespace, (flags & MS.REC) !== 0));
  if ((flags & perMount) === 0 && cleared === 0) return;
  try {
    // The remount replaces what the source's mount had: nodev there must not be lost here by asking for ro.
    const kept = flagsAt(target) & ~cleared;
    mountRaw('', target, '', MS.REMOUNT | MS.BIND | (flags & perMount) | kept, undefined);
  } catch (e) {
    undo(target, flags);
    throw e;
  }
}

/** ST_* of statvfs equal MS_* for the flags asked about here. */
function flagsAt(target: string): number {
  const buffer = Buffer.alloc(256);
  checked(c.statfs(cstring(target), buffer), 'statfs', 'read mount flags of', target);
  return Number(buffer.readBigUInt64LE(80)) & (MS.RDONLY | MS.NOSUID | MS.NODEV | MS.NOEXEC);
}

function undo(target: string, flags: number): void {
  if ((flags & MS.REMOUNT) === 0) c.umount2(cstring(target), MNT_DETACH);
}

/**
 * umount2(2). EINVAL if nothing is mounted there, EBUSY while somebody uses it.
 *
 * @param flags - MNT_DETACH, MNT_FORCE, UMOUNT_NOFOLLOW.
 */
export function umount(target: Path, flags = 0): void {
  checked(c.umount2(cstring(target), flags), 'umount2', 'unmount', target);
}

/** Unmounts all that is stacked at exactly this path, and says how many there were. A path that is gone has none. */
export function umountAll(target: Path, flags = 0): number {
  for (let count = 0; ; count++) {
    try {
      umount(target, flags | UMOUNT_NOFOLLOW);
    } catch (e) {
      if (hasCode(e, 'EINVAL', 'ENOENT', 'ENOTDIR')) return count;
      throw e;
    }
  }
}

/**
 * Makes all mounts at `target`, in order; undoes those made if one fails.
 *
 * @returns the paths they were mounted at.
 */
export function mountAll(mounts: readonly Mount[], target: string): string[] {
  const done: string[] = [];
  try {
    for (const one of mounts) done.push(mount(one, target));
    return done;
  } catch (e) {
    for (const path of done.reverse()) c.umount2(cstring(path), MNT_DETACH | UMOUNT_NOFOLLOW);
    throw e;
  }
}

/** Unmounts all at `target` and below, the newest first, and says how many there were. */
export function umountTree(target: string, flags = 0): number {
  const path = canonical(target);
  if (path === undefined) return 0;
  const points = new Set(
    threadMountInfo()
      .map(({ mountPoint }) => mountPoint)
      .filter((point) => isWithin(point, path))
      .reverse(),
  );
  let count = 0;
  for (const point of points) count += umountAll(point, flags);
  return count;
}

/** The path as mountinfo shows it. Its last part is not followed: a mount lies there or it is not ours to undo. */
function canonical(path: string): string | undefined {
  try {
    return join(realpathSync(dirname(path)), basename(path));
  } catch (e) {
    if (hasCode(e, 'ENOENT', 'ENOTDIR')) return undefined;
    throw e;
  }
}
