import { readdir, readFile, stat } from 'node:fs/promises';

/**
 * The process that has LevelDB's lock file locked, as far as this system tells.
 *
 * LevelDB itself would find out, but for this process only after closing a second descriptor of the lock file, which
 * drops the first one's lock (fcntl(2)): other processes could then open the database too.
 */
export async function lockedBy(lockFile: string): Promise<number | undefined> {
  try {
    const { dev, ino } = await stat(lockFile, { bigint: true });
    for (const line of (await readFile('/proc/locks', 'utf8')).split('\n')) {
      const [, pid, major, minor, inode] =
        /POSIX.*WRITE (\d+) ([0-9a-f]+):([0-9a-f]+):(\d+) /.exec(line) ?? [];
      if (pid === undefined || inode !== String(ino)) continue;
      // Another file system may have a file of the same number.
      const isSame = deviceOf(dev) === `${major}:${minor}` || (await hasOpen(pid, { dev, ino }));
      if (isSame) return Number(pid);
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

/** As /proc/locks writes it (fs/locks.c). */
function deviceOf(dev: bigint): string {
  const major = ((dev >> 8n) & 0xfffn) | ((dev >> 32n) & 0xfffff000n);
  const minor = (dev & 0xffn) | ((dev >> 12n) & 0xffffff00n);
  const hex = (n: bigint) => n.toString(16).padStart(2, '0');
  return `${hex(major)}:${hex(minor)}`;
}

/** For file systems of which stat(2) and /proc/locks tell different devices, such as btrfs. */
async function hasOpen(pid: string, file: { readonly dev: bigint; readonly ino: bigint }): Promise<boolean> {
  for (const fd of await readdir(`/proc/${pid}/fd`).catch(() => [])) {
    const open = await stat(`/proc/${pid}/fd/${fd}`, { bigint: true }).catch(() => undefined);
    if (open?.ino === file.ino && open.dev === file.dev) return true;
  }
  return false;
}
