import { constants } from 'node:os';
import { isMainThread } from 'node:worker_threads';
import { AT_FDCWD, NR, O_DIRECTORY, O_PATH } from './constants.ts';
import { checked, systemError } from './errors.ts';
import { close, open } from './fd.ts';
import { c, lastErrno } from './libc.ts';
import { MS } from './mount-options.ts';
import { CLONE_FS } from './namespace.ts';
import { cstring, type Path } from './path.ts';

const FSOPEN_CLOEXEC = 1;
const FSMOUNT_CLOEXEC = 1;
const FSCONFIG_SET_FLAG = 0;
const FSCONFIG_SET_STRING = 1;
const FSCONFIG_SET_FD = 5;
const FSCONFIG_CMD_CREATE = 6;
const MOVE_MOUNT_F_EMPTY_PATH = 0x4;
/** The target may be a link, as for mount(2): /proc/thread-self/fd/N is one. */
const MOVE_MOUNT_T_SYMLINKS = 0x10;
/** The longest string fsconfig(2) takes. */
const LONGEST_STRING = 255;

/** MS_* as mount(2) has them, MOUNT_ATTR_* as fsmount(2) has them. */
const attributes: readonly (readonly [ms: number, attribute: number])[] = [
  [MS.RDONLY, 0x1],
  [MS.NOSUID, 0x2],
  [MS.NODEV, 0x4],
  [MS.NOEXEC, 0x8],
  [MS.NOATIME, 0x10],
  [MS.STRICTATIME, 0x20],
  [MS.NODIRATIME, 0x80],
  [MS.NOSYMFOLLOW, 0x200000],
];

/** One layer list of an overlay: `a:b::c` is lower a and b above data-only c. A backslash escapes a colon. */
export function splitLayers(list: string): { path: string; dataOnly: boolean }[] {
  const layers: { path: string; dataOnly: boolean }[] = [];
  let path = '';
  let dataOnly = false;
  const push = () => {
    if (path === '') dataOnly = true;
    else layers.push({ path, dataOnly });
    path = '';
  };
  for (let i = 0; i < list.length; i++) {
    if (list[i] === '\\' && i + 1 < list.length) path += list[++i];
    else if (list[i] === ':') push();
    else path += list[i];
  }
  if (path !== '') push();
  return layers;
}

const withoutEscapes = (path: string): string => path.replace(/\\(.)/gs, '$1');

/**
 * Mounts an overlay by fsopen(2), layer by layer (`lowerdir+`, kernel 6.5), so the list may be of any length.
 *
 * @returns false, having changed nothing, if the kernel knows no `lowerdir+`.
 */
export function mountOverlayByLayer(
  source: string,
  target: Path,
  flags: number,
  data: readonly string[],
): boolean {
  const fs = c.syscallPath(NR.fsopen, cstring('overlay'), FSOPEN_CLOEXEC);
  if (fs === -1) {
    if (lastErrno() === constants.errno.ENOSYS) return false;
    checked(fs, 'fsopen', 'mount', target);
  }
  try {
    const set = (key: string, value: string): number =>
      c.syscallConfig(NR.fsconfig, fs, FSCONFIG_SET_STRING, cstring(key), cstring(value), 0);
    must(fs, set('source', source), target);
    for (const option of data) {
      const at = option.indexOf('=');
      const key = at === -1 ? option : option.slice(0, at);
      const value = option.slice(at + 1);
      if (key === 'lowerdir') {
        for (const { path, dataOnly } of splitLayers(value)) {
          const result = setLayer(fs, dataOnly ? 'datadir+' : 'lowerdir+', path, set);
          if (result === -1 && !isKnownParameter(fs, target)) return false;
        }
      } else if (at === -1) {
        must(fs, c.syscallConfig(NR.fsconfig, fs, FSCONFIG_SET_FLAG, cstring(key), null, 0), target);
      } else if ((key === 'upperdir' || key === 'workdir') && value.length > LONGEST_STRING) {
        must(fs, setLayer(fs, key, withoutEscapes(value), set), target);
      } else {
        must(fs, set(key, value), target);
      }
    }
    if ((flags & MS.RDONLY) !== 0) {
      must(fs, c.syscallConfig(NR.fsconfig, fs, FSCONFIG_SET_FLAG, cstring('ro'), null, 0), target);
    }
    must(fs, c.syscallConfig(NR.fsconfig, fs, FSCONFIG_CMD_CREATE, null, null, 0), target);
    attach(fs, target, flags);
    return true;
  } finally {
    close(fs);
  }
}

/** By descriptor (kernel 6.13) where the path is too long for a string. */
function setLayer(
  fs: number,
  key: string,
  path: string,
  set: (key: string, value: string) => number,
): number {
  if (Buffer.byteLength(path) <= LONGEST_STRING) return set(key, path);
  const layer = open(path, O_PATH | O_DIRECTORY);
  try {
    return c.syscallConfig(NR.fsconfig, fs, FSCONFIG_SET_FD, cstring(key), null, layer);
  } finally {
    close(layer);
  }
}

function attach(fs: number, target: Path, flags: number): void {
  let wanted = 0;
  for (const [ms, attribute] of attributes) if ((flags & ms) !== 0) wanted |= attribute;
  const mount = must(fs, c.syscall0(NR.fsmount, fs, FSMOUNT_CLOEXEC, wanted, 0), target);
  try {
    const result = c.syscallMove(
      NR.move_mount,
      mount,
      cstring(''),
      AT_FDCWD,
      cstring(target),
      MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_SYMLINKS,
    );
    checked(result, 'move_mount', 'mount', target);
  } finally {
    close(mount);
  }
}

/** Throws with what the filesystem wrote into its context's log, which says more than errno. */
function must(fs: number, result: number, target: Path): number {
  if (result !== -1) return result;
  const errno = lastErrno();
  throw systemError(errno, 'fsconfig', 'mount', target, readLog(fs));
}

/** False if the call just failed because this kernel has no such parameter; throws if it failed otherwise. */
function isKnownParameter(fs: number, target: Path): boolean {
  const errno = lastErrno();
  const log = readLog(fs);
  if (errno === constants.errno.EINVAL && /unknown parameter/i.test(log)) return false;
  throw systemError(errno, 'fsconfig', 'mount', target, log);
}

/** Takes one message, such as `e overlay: ...`. */
function readLog(fs: number): string {
  const log = Buffer.alloc(4096);
  const size = c.read(fs, log, log.length);
  return size > 0 ? log.toString('utf8', 0, size).trim() : '';
}

/** Options made relative to the directory that all of the overlay's paths share. Undefined if they share only `/`. */
export function shortenOverlay(data: readonly string[]): { directory: string; data: string[] } | undefined {
  const keys = /^(lowerdir|upperdir|workdir)=/;
  const paths = data
    .filter((option) => keys.test(option))
    .flatMap((option) => option.slice(option.indexOf('=') + 1).split(/(?<!\\):/))
    .filter((path) => path !== '');
  let directory = paths[0]?.slice(0, paths[0].lastIndexOf('/')) ?? '';
  while (directory !== '' && !paths.every((path) => path.startsWith(`${directory}/`))) {
    directory = directory.slice(0, directory.lastIndexOf('/'));
  }
  if (directory === '' || directory.includes('\\')) return undefined;
  const strip = (path: string) => (path === '' ? '' : path.slice(directory.length + 1));
  const shorter = data.map((option) => {
    const key = keys.exec(option)?.[0];
    if (key === undefined) return option;
    return (
      key +
      option
        .slice(key.length)
        .split(/(?<!\\):/)
        .map(strip)
        .join(':')
    );
  });
  return { directory, data: shorter };
}

/**
 * Runs `fn` with the working directory of this thread alone set elsewhere.
 *
 * @throws EINVAL-coded error on the main thread, whose working directory is everybody's.
 */
export function inDirectory<T>(directory: string, fn: () => T): T {
  if (isMainThread) {
    throw systemError(
      constants.errno.EINVAL,
      'chdir',
      'mount below',
      directory,
      'only a worker may change directory',
    );
  }
  checked(c.unshare(CLONE_FS), 'unshare', 'leave shared directory for', directory);
  const back = open('.', O_PATH | O_DIRECTORY);
  try {
    checked(c.chdir(cstring(directory)), 'chdir', 'enter', directory);
    try {
      return fn();
    } finally {
      checked(c.fchdir(back), 'fchdir', 'go back from', directory);
    }
  } finally {
    close(back);
  }
}
