import { closeSync, constants as fs, fstatSync, ftruncateSync, openSync, readSync, writeSync } from 'node:fs';
import { constants } from 'node:os';
import { checked, systemError } from './errors.ts';
import { reflink } from './filesystem.ts';
import { c, lastErrno } from './libc.ts';
import { type StopFlag, stopIfAsked } from './tree-entries.ts';

const SEEK_DATA = 3;
const SEEK_HOLE = 4;
const CHUNK = 1 << 20;
const EBUSY = 16;
const { O_CREAT, O_EXCL, O_NOFOLLOW, O_NONBLOCK, O_RDONLY, O_WRONLY } = fs;

/** Copies the bytes of regular files, sharing blocks where the file system can. For one pair of file systems. */
export class FileCopier {
  #canReflink = true;
  readonly #stop: StopFlag | undefined;
  #buffer: Buffer | undefined;

  constructor(stop?: StopFlag) {
    this.#stop = stop;
  }

  /**
   * Makes `to`, mode 0600. Holes stay holes.
   *
   * @param inode - Of the regular file that `from` must still be; EBUSY if it was replaced.
   */
  copy(from: Buffer, to: Buffer, inode: bigint): void {
    // A FIFO put in its place would otherwise wait for a writer, for ever.
    const source = openSync(from, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
    try {
      const stat = fstatSync(source, { bigint: true });
      if (!stat.isFile() || stat.ino !== inode)
        throw systemError(EBUSY, 'open', 'copy', from, 'was replaced');
      const target = openSync(to, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600);
      try {
        this.#fill(source, target, Number(stat.size), stat.blocks * 512n < stat.size);
      } finally {
        closeSync(target);
      }
    } finally {
      closeSync(source);
    }
  }

  #fill(source: number, target: number, size: number, hasHoles: boolean): void {
    if (size === 0) return;
    if (this.#canReflink) {
      if (reflink(source, target)) return;
      this.#canReflink = false;
    }
    if (!hasHoles) {
      this.#copyRange(source, target, 0, size);
      return;
    }
    for (let at = seek(source, 0, SEEK_DATA); at !== undefined; at = seek(source, at, SEEK_DATA)) {
      const end = seek(source, at, SEEK_HOLE) ?? size;
      at = this.#copyRange(source, target, at, end);
    }
    // What follows the last data is a hole.
    ftruncateSync(target, size);
  }

  /** @returns where it ended, which is before `end` if the file became shorter. */
  #copyRange(source: number, target: number, start: number, end: number): number {
    this.#buffer ??= Buffer.allocUnsafe(CHUNK);
    for (let at = start; at < end; ) {
      stopIfAsked(this.#stop);
      const length = readSync(source, this.#buffer, 0, Math.min(CHUNK, end - at), at);
      if (length === 0) return end;
      for (let done = 0; done < length; ) {
        done += writeSync(target, this.#buffer, done, length - done, at + done);
      }
      at += length;
    }
    return end;
  }
}

/** Undefined if there is no more data, which is nothing to make an error of for each file. */
function seek(fd: number, from: number, whence: number): number | undefined {
  const at = c.lseek(fd, from, whence);
  if (at === -1 && lastErrno() === constants.errno.ENXIO) return undefined;
  return checked(at, 'lseek', 'find data of', fd);
}
