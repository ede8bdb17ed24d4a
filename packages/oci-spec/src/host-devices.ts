import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path/posix';
import { errnoOf, Fault } from '@stowage/core';

/** A device node of the host. */
export interface HostDevice {
  readonly type: 'b' | 'c';
  readonly major: number;
  readonly minor: number;
  /** Permission bits. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
}

/** How options get at devices of the machine that will run the container. */
export interface DeviceLookup {
  /** What is at the path, links followed; undefined for nothing. */
  find(path: string): Promise<HostDevice | 'directory' | 'other' | undefined>;
  /** Names in a directory. */
  list(directory: string): Promise<readonly string[]>;
}

/** Of this machine. */
export function hostDevices(): DeviceLookup {
  return {
    async find(path) {
      try {
        const found = await stat(path, { bigint: true });
        if (found.isDirectory()) return 'directory';
        if (!found.isBlockDevice() && !found.isCharacterDevice()) return 'other';
        return {
          type: found.isBlockDevice() ? 'b' : 'c',
          major: majorOf(found.rdev),
          minor: minorOf(found.rdev),
          mode: Number(found.mode & 0o7777n),
          uid: Number(found.uid),
          gid: Number(found.gid),
        };
      } catch (e) {
        const errno = errnoOf(e);
        if (errno === 'ENOENT' || errno === 'ENOTDIR') return undefined;
        throw e;
      }
    },
    async list(directory) {
      return (await readdir(directory)).sort();
    },
  };
}

/** @throws Fault `not_found` if nothing is there; `invalid_argument` if it is no device. */
export async function mustFind(path: string, lookup: DeviceLookup): Promise<HostDevice> {
  return mustBeDevice(path, await lookup.find(path));
}

/** @throws Fault as {@link mustFind} does. */
export function mustBeDevice(path: string, found: Awaited<ReturnType<DeviceLookup['find']>>): HostDevice {
  if (found === undefined) throw new Fault('not_found', `device ${path}: the host has none`);
  if (found === 'directory' || found === 'other')
    throw new Fault('invalid_argument', `device ${path}: it is no device`);
  return found;
}

/** Below which nothing is looked for: they are made for each container, or are none of the host's devices. */
const PASSED_OVER = new Set(['pts', 'shm', 'fd', 'mqueue', '.lxc', '.lxd-mounts', '.udev', 'console']);

/** Most directories below one another that are looked through. */
const MAX_DEPTH = 16;

/** All devices in a directory and below, as containerd v2 pkg/oci/utils_unix.go gets them. */
export async function* devicesBelow(
  directory: string,
  lookup: DeviceLookup,
  depth = 0,
): AsyncGenerator<{ readonly path: string; readonly device: HostDevice }> {
  if (depth > MAX_DEPTH)
    throw new Fault('invalid_argument', `devices in ${directory}: more than ${MAX_DEPTH} directories deep`);
  for (const name of await lookup.list(directory)) {
    if (PASSED_OVER.has(name)) continue;
    const path = join(directory, name);
    const found = await lookup.find(path);
    if (found === 'directory') yield* devicesBelow(path, lookup, depth + 1);
    else if (found !== undefined && found !== 'other') yield { path, device: found };
  }
}

/** Linux splits the 64 bits of a device number so (glibc sys/sysmacros.h). */
function majorOf(rdev: bigint): number {
  return Number(((rdev >> 8n) & 0xfffn) | ((rdev >> 32n) & 0xfffff000n));
}

function minorOf(rdev: bigint): number {
  return Number((rdev & 0xffn) | ((rdev >> 12n) & 0xffffff00n));
}
