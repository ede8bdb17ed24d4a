import { readdir, readFile, readlink, stat } from 'node:fs/promises';

/** Says who has LevelDB's lock file locked, as far as this system tells. */
export async function holderOf(lockFile: string): Promise<string> {
  try {
    const { ino } = await stat(lockFile);
    for (const line of (await readFile('/proc/locks', 'utf8')).split('\n')) {
      const [, pid, inode] = /POSIX.*WRITE (\d+) [0-9a-f]+:[0-9a-f]+:(\d+) /.exec(line) ?? [];
      if (inode !== String(ino)) continue;
      const name = await readFile(`/proc/${pid}/comm`, 'utf8').catch(() => 'unknown');
      return `process ${pid} (${name.trim()})`;
    }
  } catch {
    // No /proc here, or the holder has just gone.
  }
  return 'another process';
}

/**
 * Whether this process has the database open already. LevelDB would refuse, but only after closing a second
 * descriptor of the lock file, which drops the first one's lock: other processes could then open it as well.
 */
export async function openHere(lockFile: string): Promise<boolean> {
  let descriptors: string[];
  try {
    descriptors = await readdir('/proc/self/fd');
  } catch {
    return false;
  }
  const targets = await Promise.all(descriptors.map((fd) => readlink(`/proc/self/fd/${fd}`).catch(() => '')));
  return targets.includes(lockFile);
}
