import { Fault, type Mount } from '@stowage/core';
import type { MountIdMap } from './idmapped-mount.ts';

export const MS = {
  RDONLY: 1,
  NOSUID: 2,
  NODEV: 4,
  NOEXEC: 8,
  SYNCHRONOUS: 16,
  REMOUNT: 32,
  MANDLOCK: 64,
  DIRSYNC: 128,
  NOSYMFOLLOW: 256,
  NOATIME: 1024,
  NODIRATIME: 2048,
  BIND: 4096,
  MOVE: 8192,
  REC: 16384,
  SILENT: 32768,
  UNBINDABLE: 1 << 17,
  PRIVATE: 1 << 18,
  SLAVE: 1 << 19,
  SHARED: 1 << 20,
  RELATIME: 1 << 21,
  STRICTATIME: 1 << 24,
} as const;

/** Options of a Mount, as mount(2) takes them. */
export interface ParsedOptions {
  /** MS_* without propagation. */
  readonly flags: number;
  /** MS_* whose absence was asked for: `rw`, `dev`, ... */
  readonly cleared: number;
  /** MS_SHARED, MS_PRIVATE, MS_SLAVE or MS_UNBINDABLE, perhaps with MS_REC; 0 for none. */
  readonly propagation: number;
  /** How ids are shown, if both `uidmap=` and `gidmap=` are given; one alone means nothing, as in containerd. */
  readonly idMap: MountIdMap | undefined;
  /** Whether the source is a file, to be attached to a loop device. */
  readonly isLoop: boolean;
  /** What the filesystem itself reads, in order. */
  readonly data: readonly string[];
}

const set: Readonly<Record<string, number>> = {
  bind: MS.BIND,
  defaults: 0,
  dirsync: MS.DIRSYNC,
  mand: MS.MANDLOCK,
  noatime: MS.NOATIME,
  nodev: MS.NODEV,
  nodiratime: MS.NODIRATIME,
  noexec: MS.NOEXEC,
  nosuid: MS.NOSUID,
  nosymfollow: MS.NOSYMFOLLOW,
  rbind: MS.BIND | MS.REC,
  relatime: MS.RELATIME,
  remount: MS.REMOUNT,
  ro: MS.RDONLY,
  silent: MS.SILENT,
  strictatime: MS.STRICTATIME,
  sync: MS.SYNCHRONOUS,
};

const clear: Readonly<Record<string, number>> = {
  async: MS.SYNCHRONOUS,
  atime: MS.NOATIME,
  dev: MS.NODEV,
  diratime: MS.NODIRATIME,
  exec: MS.NOEXEC,
  loud: MS.SILENT,
  nomand: MS.MANDLOCK,
  norelatime: MS.RELATIME,
  nostrictatime: MS.STRICTATIME,
  rw: MS.RDONLY,
  suid: MS.NOSUID,
  symfollow: MS.NOSYMFOLLOW,
};

const propagations: Readonly<Record<string, number>> = {
  private: MS.PRIVATE,
  rprivate: MS.PRIVATE | MS.REC,
  rshared: MS.SHARED | MS.REC,
  rslave: MS.SLAVE | MS.REC,
  runbindable: MS.UNBINDABLE | MS.REC,
  shared: MS.SHARED,
  slave: MS.SLAVE,
  unbindable: MS.UNBINDABLE,
};

/** Options that only a mount manager or a helper program can carry out. Passed on, the kernel's answer misleads. */
const refused: readonly (readonly [test: RegExp, why: string])[] = [
  [/^X-containerd\./, 'is for a mount manager, which resolves it before anybody mounts'],
  [/^loop=/, 'names a loop device, and a free one is taken here'],
];

/**
 * Tells flags from filesystem options. The last of two that contradict each other wins.
 *
 * @throws Fault `unimplemented` for what needs a mount manager, a certain loop device or a helper program.
 * @see containerd v1.7.0 mount/mount_linux.go parseMountOptions
 */
export function parseMountOptions(mount: Mount): ParsedOptions {
  // `format/overlay`, `mkdir/bind` and the like, and `fuse3.name`, whose mount.fuse3 would have to be run.
  if (mount.type.includes('/') || /^fuse\d?\./.test(mount.type)) {
    throw new Fault(
      'unimplemented',
      `mount ${mount.source}: type ${mount.type} needs a mount manager or helper`,
    );
  }
  let flags = mount.type === 'bind' && !mount.options.includes('rbind') ? MS.BIND : 0;
  let cleared = 0;
  let propagation = 0;
  let isLoop = false;
  const data: string[] = [];
  let uids: string | undefined;
  let gids: string | undefined;
  for (const option of mount.options) {
    const why = refused.find(([test]) => test.test(option))?.[1];
    if (why !== undefined) {
      throw new Fault('unimplemented', `mount ${mount.source}: option ${option} ${why}`);
    }
    if (Object.hasOwn(set, option)) {
      flags |= set[option] as number;
      cleared &= ~(set[option] as number);
    } else if (Object.hasOwn(clear, option)) {
      flags &= ~(clear[option] as number);
      cleared |= clear[option] as number;
    } else if (Object.hasOwn(propagations, option)) {
      propagation = propagations[option] as number;
    } else if (option === 'loop') {
      isLoop = true;
    } else if (option.startsWith('uidmap=')) {
      uids = option.slice('uidmap='.length);
    } else if (option.startsWith('gidmap=')) {
      gids = option.slice('gidmap='.length);
    } else if (option !== '') {
      data.push(option);
    }
  }
  const idMap = uids === undefined || gids === undefined ? undefined : { uids, gids };
  return { flags, cleared, propagation, idMap, isLoop, data };
}
