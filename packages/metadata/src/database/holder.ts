import { readFile, stat } from 'node:fs/promises';

/**
 * The process that has LevelDB's lock file locked, as far as this system tells.
 *
 * LevelDB itself would find out, but for this process only after closing a second descriptor of the lock file, which
 * drops the first one's lock (fcntl(2)): other processes could then open the database too.
 */
export async function lockedBy(lockFile: string): Promise<number | undefined> {
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

/** A process for messages. */
export async function nameOf(pid: number): Promise<string> {
  const name = await readFile(`/proc/${pid}/comm`, 'utf8').catch(() => 'unknown');
  return `process ${pid} (${name.trim()})`;
}
