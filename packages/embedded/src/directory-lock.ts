import { mkdir, open, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Fault } from '@stowage/core';
import { tryLock } from '@stowage/linux';

/**
 * Holds a root or state directory for one daemon or engine, until disposed or dead. The kernel drops the lock with the
 * process, so a lock file that a crash left behind holds nobody up.
 *
 * @param holder - what others are told that want it.
 * @throws Fault `failed_precondition` saying who holds it.
 */
export async function lockDirectory(directory: string, holder = 'stowaged'): Promise<Disposable> {
  await mkdir(directory, { recursive: true, mode: 0o711 });
  const path = join(directory, 'lock');
  const lock = tryLock(path);
  if (lock === undefined) {
    const who = (await readFile(path, 'utf8')).trim() || 'another process';
    throw new Fault(
      'failed_precondition',
      `${directory} is in use by ${who}: stop that, or take another root and state`,
    );
  }
  await using file = await open(path, 'w', 0o600);
  await file.writeFile(`${holder}, pid ${process.pid}\n`);
  return lock;
}
