import { chmod, mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';

const PASSABLE = 0o711;

/**
 * Makes a directory and those above it, so that others can pass through and list nothing, whatever the umask: the
 * mapped root of a container walks to its files, and the group of a socket to it. Those that are there stay as they
 * are.
 */
export async function makePassable(path: string): Promise<void> {
  const first = await mkdir(path, { recursive: true, mode: PASSABLE });
  if (first === undefined) return;
  for (let made = path; ; made = dirname(made)) {
    await chmod(made, PASSABLE);
    if (made === first) return;
  }
}

/** Likewise, and takes from others what they may do more with a directory that is there. */
export async function makePrivate(path: string): Promise<void> {
  await makePassable(path);
  await chmod(path, PASSABLE);
}
