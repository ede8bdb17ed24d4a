import { O_DIRECTORY, O_NONBLOCK, O_RDONLY } from './constants.ts';
import { checked } from './errors.ts';
import { close, open } from './fd.ts';
import { c } from './libc.ts';
import type { Path } from './path.ts';

/** Writes out all that is pending on the filesystem of a path, and reports its write errors (kernel 5.8). */
export function syncfs(path: Path): void {
  const fd = open(path, O_RDONLY | O_NONBLOCK);
  try {
    checked(c.syncfs(fd), 'syncfs', 'sync filesystem of', path);
  } finally {
    close(fd);
  }
}

/** Makes renames, links and removals in a directory durable. */
export function fsyncDir(path: Path): void {
  const fd = open(path, O_RDONLY | O_DIRECTORY);
  try {
    checked(c.fsync(fd), 'fsync', 'sync directory', path);
  } finally {
    close(fd);
  }
}
