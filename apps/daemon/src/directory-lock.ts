import { mkdir, open, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Fault } from '@stowage/core';
import { tryLock } from '@stowage/linux';

/**
 * Holds a root or state directory for one daemon, until disposed or dead. The kernel drops the lock with the
 * process, so a lock file that a crash left behind holds nobody up.
 *
 * @throws Fault `failed_precondition` saying who holds it.
 */
export async function lockDirectory(directory: string): Promise<Disposable> {
  await mkdir(directory, { recursive: true, mode: 0o711 });
  const path = join(directory, 'lock');
  const lock = tryLock(path);
  if (lock === undefined) {
    const holder = (await readFile(path, 'utf8')).trim() || 'another process';
    throw new Fault(
      'failed_precondition',
      `${directory} is in use by ${holder}: stop it, or give this daemon another --root and --state`,
    );
  }
  await using file = await open(path, 'w', 0o600);
  await file.writeFile(`stowaged, pid ${process.pid}\n`);
  return lock;
}
