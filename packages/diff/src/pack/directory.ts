import { type BigIntStats, constants, lstatSync, openSync, readdirSync, readlinkSync } from 'node:fs';
import { hasCode } from '@stowage/linux';
import { openat2, RESOLVE } from '@stowage/linux/blocking';

const { O_DIRECTORY, O_NOCTTY, O_NOFOLLOW, O_NONBLOCK, O_RDONLY, S_IFMT } = constants;
const { S_IFREG, S_IFDIR, S_IFLNK, S_IFCHR, S_IFBLK, S_IFIFO } = constants;

/** A rename anywhere on the machine may race with a lookup, which the kernel then wants repeated. */
const MOST_TRIES = 100;

export type Kind = 'file' | 'directory' | 'symlink' | 'char' | 'block' | 'fifo';

const KINDS: ReadonlyMap<number, Kind> = new Map([
  [S_IFREG, 'file'],
  [S_IFDIR, 'directory'],
  [S_IFLNK, 'symlink'],
  [S_IFCHR, 'char'],
  [S_IFBLK, 'block'],
  [S_IFIFO, 'fifo'],
]);

/** What stat(2) says of something that a layer can hold. */
export interface Attributes {
  readonly kind: Kind;
  /** Permissions and setuid, setgid and sticky bits only. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly size: number;
  readonly mtimeNs: bigint;
  readonly rdev: number;
  readonly isLinked: boolean;
  /** Of the inode: equal ones are one file. */
  readonly identity: string;
}

/**
 * A directory by its descriptor. Whoever renames directories meanwhile, or puts links in their place, changes nothing
 * about what a name in it means: names have one part, no link is ever followed, and the length of the whole path does
 * not matter. Names are latin1: a character for a byte.
 */
export class Directory {
  readonly fd: number;
  readonly #self: string;

  /** @param fd - stays the caller's to close. */
  constructor(fd: number) {
    this.fd = fd;
    this.#self = `/proc/thread-self/fd/${fd}/`;
  }

  /** In the order of their bytes. */
  names(): string[] {
    return readdirSync(`${this.#self}.`, 'latin1').sort();
  }

  /** Of an entry as a path, for calls that do not follow a last link. */
  path(name: string): Buffer {
    return Buffer.from(this.#self + name, 'latin1');
  }

  /** Undefined if there is nothing, or nothing that a layer can hold: a socket, or what overlayfs calls a whiteout. */
  inspect(name: string): Attributes | undefined {
    const stats = lstatSync(this.path(name), { bigint: true, throwIfNoEntry: false });
    return stats === undefined ? undefined : attributesOf(stats);
  }

  /** Of the directory itself. */
  inspectSelf(): Attributes | undefined {
    return attributesOf(lstatSync(`${this.#self}.`, { bigint: true }));
  }

  /** A descriptor of a directory in it; fails for anything else, also for one that another filesystem hides. */
  openDirectory(name: string): number {
    const flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW;
    for (let tries = 1; ; tries++) {
      try {
        const resolve = RESOLVE.NO_XDEV | RESOLVE.NO_SYMLINKS | RESOLVE.BENEATH;
        return openat2(this.fd, Buffer.from(name, 'latin1'), flags, resolve);
      } catch (e) {
        if (!hasCode(e, 'EAGAIN') || tries === MOST_TRIES) throw e;
      }
    }
  }

  /** A descriptor to read a file by. Should something else lie there by now, this neither waits nor follows it. */
  openFile(name: string): number {
    return openSync(this.path(name), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
  }

  target(name: string): string {
    return readlinkSync(this.path(name), 'latin1');
  }
}

export function attributesOf(stats: BigIntStats): Attributes | undefined {
  const kind = KINDS.get(Number(stats.mode) & S_IFMT);
  if (kind === undefined || (kind === 'char' && stats.rdev === 0n)) return undefined;
  return {
    kind,
    mode: Number(stats.mode) & 0o7777,
    uid: Number(stats.uid),
    gid: Number(stats.gid),
    size: Number(stats.size),
    mtimeNs: stats.mtimeNs,
    rdev: kind === 'char' || kind === 'block' ? Number(stats.rdev) : 0,
    isLinked: kind !== 'directory' && stats.nlink > 1n,
    identity: `${stats.dev}:${stats.ino}`,
  };
}
