import { readFile, stat } from 'node:fs/promises';

/** Says who has LevelDB's lock file locked, as far as this system tells. */
export async function holderOf(lockFile: string): Promise<string> {
  const pid = await lockedBy(lockFile);
  if (pid === undefined) return 'another process';
  const name = await readFile(`/proc/${pid}/comm`, 'utf8').catch(() => 'unknown');
  return `process ${pid} (${name.trim()})`;
}

/**
 * Whether this process has the database open already. LevelDB would refuse, but only after closing a second
 * descriptor of the lock file, which drops the first one's lock (fcntl(2)): other processes could then open it too.
 */
export async function openHere(lockFile: string): Promise<boolean> {
  return (await lockedBy(lockFile)) === process.pid;
}

async function lockedBy(lockFile: string): Promise<number | undefined> {
  try {
    const { ino } = await stat(lockFile);
    for (const line of (await readFile('/proc/locks', 'utf8')).split('\n')) {
      const [, pid, inode] = /POSIX.*WRITE (\d+) [0-9a-f]+:[0-9a-f]+:(\d+) /.exec(line) ?? [];
      if (inode === String(ino)) return Number(pid);
    }
  } catch {
    // No database yet, or no /proc here.
  }
  return undefined;
}
