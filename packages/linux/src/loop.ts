import { fstatSync, readlinkSync, symlinkSync, unlinkSync } from 'node:fs';
import { constants } from 'node:os';
import { O_NONBLOCK, O_PATH, O_RDONLY, O_RDWR } from './constants.ts';
import { checked, hasCode, systemError } from './errors.ts';
import { close, open } from './fd.ts';
import { c } from './libc.ts';

const SET_STATUS64 = 0x4c04;
const GET_STATUS64 = 0x4c05;
const CLR_FD = 0x4c01;
const CONFIGURE = 0x4c0a;
const CTL_GET_FREE = 0x4c82;

const READ_ONLY = 1;
const AUTOCLEAR = 4;
const DIRECT_IO = 16;

/** Where things stand in a struct loop_info64, and how long it is. */
const INFO = { flags: 52, name: 56, bytes: 232 } as const;
const NAME_BYTES = 64;
/** A struct loop_config: descriptor, block size, a loop_info64, reserved. */
const CONFIG = { fd: 0, info: 8, bytes: 304 } as const;
const DEVICE = /^\/dev\/loop\d+$/;
/** A free device may be taken by another process before it is configured. */
const ATTEMPTS = 100;

export interface LoopOptions {
  /** Nothing can be written through the device, and the file need not be writable. */
  readonly readOnly?: boolean | undefined;
  /** What the device is known by, up to 63 bytes; `losetup` does not show it. */
  readonly mark: string;
}

/**
 * Attaches a file to a free loop device and makes `link` a symbolic link to that. The device keeps until
 * {@link detachLoop}. Past the page cache (direct I/O) where the file's filesystem can.
 *
 * Whenever the process dies, either the link is there or the device is let go by the kernel. Kernel 5.8 or later.
 *
 * @returns the device: `/dev/loop3`.
 * @throws a SystemError: EINVAL if the source is neither a file nor a block device; EAGAIN if other processes took each
 *   device that was free.
 */
export function attachLoop(source: string, link: string, { readOnly = false, mark }: LoopOptions): string {
  const file = openSource(source, readOnly);
  try {
    const { device, fd } = configured(file, source, readOnly, mark);
    let linked = false;
    try {
      symlinkSync(device, link);
      linked = true;
      setAutoclear(fd, device, false);
      return device;
    } catch (e) {
      // The device is let go when it is closed, for that was not changed.
      if (linked) removeLink(link, device);
      throw e;
    } finally {
      close(fd);
    }
  } finally {
    close(file);
  }
}

/**
 * Attaches a file to a free loop device that the kernel lets go when nobody has it open or mounted any more.
 *
 * @returns the device, and a descriptor that holds it until it is mounted, the caller's to close.
 * @throws as {@link attachLoop}.
 */
export function borrowLoop(
  source: string,
  { readOnly = false, mark }: LoopOptions,
): { readonly device: string; readonly fd: number } {
  const file = openSource(source, readOnly);
  try {
    return configured(file, source, readOnly, mark);
  } finally {
    close(file);
  }
}

/**
 * Lets a device go as soon as nobody uses it, and removes the link to it. If it has another mark, it was let go before
 * and is somebody else's by now: then only the link goes. A link that is gone is a success.
 */
export function detachLoop(link: string, mark: string): void {
  const device = deviceAt(link);
  if (device === undefined) return;
  try {
    const fd = open(device, O_RDONLY | O_NONBLOCK);
    try {
      if (markOf(fd, device) === mark) clear(fd, device);
    } finally {
      close(fd);
    }
  } catch (e) {
    if (!hasCode(e, 'ENOENT', 'ENXIO', 'ENODEV')) throw e;
  }
  removeLink(link, device);
}

/** Whether the link leads to a device that is attached and has this mark. */
export function isLoopAttached(link: string, mark: string): boolean {
  try {
    const device = deviceAt(link);
    if (device === undefined) return false;
    const fd = open(device, O_RDONLY | O_NONBLOCK);
    try {
      return markOf(fd, device) === mark;
    } finally {
      close(fd);
    }
  } catch (e) {
    if (hasCode(e, 'ENOENT', 'ENXIO', 'ENODEV')) return false;
    throw e;
  }
}

/** Looked at before it is opened: a FIFO would wait for its other end. */
function openSource(source: string, readOnly: boolean): number {
  const found = open(source, O_PATH);
  try {
    const stat = fstatSync(found);
    if (!stat.isFile() && !stat.isBlockDevice())
      throw systemError(constants.errno.EINVAL, 'open', 'attach', source, 'it is no file or block device');
    return open(`/proc/thread-self/fd/${found}`, readOnly ? O_RDONLY : O_RDWR);
  } finally {
    close(found);
  }
}

function configured(
  file: number,
  source: string,
  readOnly: boolean,
  mark: string,
): { device: string; fd: number } {
  const config = Buffer.alloc(CONFIG.bytes);
  config.writeUInt32LE(file, CONFIG.fd);
  config.writeUInt32LE(AUTOCLEAR | DIRECT_IO | (readOnly ? READ_ONLY : 0), CONFIG.info + INFO.flags);
  if (config.write(mark, CONFIG.info + INFO.name, NAME_BYTES - 1) < Buffer.byteLength(mark))
    throw systemError(constants.errno.ENAMETOOLONG, 'ioctl', 'mark loop device for', source);
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const device = `/dev/loop${freeNumber()}`;
    const fd = open(device, (readOnly ? O_RDONLY : O_RDWR) | O_NONBLOCK);
    try {
      checked(c.ioctl(fd, CONFIGURE, config), 'ioctl', `attach ${source} to`, device);
      return { device, fd };
    } catch (e) {
      close(fd);
      if (!hasCode(e, 'EBUSY')) throw e;
    }
    pause(Math.random() * attempt);
  }
  throw systemError(constants.errno.EAGAIN, 'ioctl', 'find loop device for', source, 'others took each');
}

function freeNumber(): number {
  const control = open('/dev/loop-control', O_RDWR);
  try {
    return checked(c.ioctlInt(control, CTL_GET_FREE, 0), 'ioctl', 'find free device by', '/dev/loop-control');
  } finally {
    close(control);
  }
}

function statusOf(fd: number, device: string): Buffer {
  const info = Buffer.alloc(INFO.bytes);
  checked(c.ioctl(fd, GET_STATUS64, info), 'ioctl', 'read state of', device);
  return info;
}

function markOf(fd: number, device: string): string {
  const name = statusOf(fd, device).subarray(INFO.name, INFO.name + NAME_BYTES);
  return name.subarray(0, name.indexOf(0)).toString();
}

function setAutoclear(fd: number, device: string, on: boolean): void {
  const info = statusOf(fd, device);
  const flags = info.readUInt32LE(INFO.flags);
  info.writeUInt32LE(on ? flags | AUTOCLEAR : flags & ~AUTOCLEAR, INFO.flags);
  checked(c.ioctl(fd, SET_STATUS64, info), 'ioctl', 'set flags of', device);
}

/** Kernels before 6.11 refuse while others have it open; from then on it goes with the last of them, as asked here. */
function clear(fd: number, device: string): void {
  setAutoclear(fd, device, true);
  try {
    checked(c.ioctlInt(fd, CLR_FD, 0), 'ioctl', 'let go', device);
  } catch (e) {
    if (!hasCode(e, 'EBUSY', 'ENXIO')) throw e;
  }
}

function deviceAt(link: string): string | undefined {
  try {
    const device = readlinkSync(link);
    if (DEVICE.test(device)) return device;
  } catch (e) {
    if (hasCode(e, 'ENOENT', 'ENOTDIR')) return undefined;
    throw e;
  }
  throw systemError(constants.errno.EINVAL, 'readlink', 'find loop device of', link, 'it leads elsewhere');
}

function removeLink(link: string, device: string): void {
  try {
    if (readlinkSync(link) === device) unlinkSync(link);
  } catch (e) {
    if (!hasCode(e, 'ENOENT')) throw e;
  }
}

function pause(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}
