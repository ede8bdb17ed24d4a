import { isMainThread } from 'node:worker_threads';
import { O_DIRECTORY, O_PATH } from './constants.ts';
import { checked } from './errors.ts';
import { close, open } from './fd.ts';
import { c } from './libc.ts';
import { CLONE_FS } from './namespace.ts';
import { entryPath } from './tree-entries.ts';

/** Where a walk is, so that the names of a directory's entries are all it takes to look at them. */
export interface Place extends Disposable {
  /** To be called whenever the walk comes to a directory. */
  goTo(fd: number): void;
  /** An entry of the directory that the walk is at. */
  pathOf(fd: number, name: Buffer): Buffer;
}

/**
 * In a worker the working directory goes along, which spares the kernel the way through /proc for every entry. It is
 * the thread's own from then on, and back where it was when the walk ends. On the main thread, whose working directory is
 * everybody's, entries are named by their directory's descriptor.
 */
export function ownPlace(): Place {
  if (isMainThread) return { goTo() {}, pathOf: entryPath, [Symbol.dispose]() {} };
  checked(c.unshare(CLONE_FS), 'unshare', 'leave shared', 'working directory');
  const back = open('.', O_PATH | O_DIRECTORY);
  return {
    goTo: (fd) => void checked(c.fchdir(fd), 'fchdir', 'enter', fd),
    pathOf: (_fd, name) => name,
    [Symbol.dispose]() {
      checked(c.fchdir(back), 'fchdir', 'go back from', 'a tree');
      close(back);
    },
  };
}
