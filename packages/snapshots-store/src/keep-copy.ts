import { copyFile, mkdir, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { errnoOf, unlessAbsent } from '@stowage/core';

const KEPT = 3;
/** What LevelDB rewrites when it opens a database; tables never change. */
const REWRITTEN = /^(CURRENT|MANIFEST-\d+|\d+\.log)$/;

export interface Copy {
  /** The database opened and is whole: this is its newest good copy. */
  keep(): Promise<void>;
  /** The database is damaged. The first copy of it stays, whatever later starts do to it. */
  keepOfDamaged(): Promise<void>;
  /** Somebody else has the database open: this is a copy of nothing. */
  drop(): Promise<void>;
}

/**
 * Copies what opening a database may destroy: LevelDB throws away what it can't read of a damaged log. The last three
 * good copies are kept, the newest as `0`, and one called `damaged`.
 *
 * @param path - Of the database.
 * @param kept - Directory for the copies.
 */
export async function keepCopy(path: string, kept: string): Promise<Copy> {
  const making = join(kept, 'new');
  const drop = () => rm(making, { recursive: true, force: true });
  await drop();
  await mkdir(making, { recursive: true, mode: 0o700 });
  for (const name of (await unlessAbsent(readdir(path))) ?? []) {
    if (REWRITTEN.test(name)) await copyFile(join(path, name), join(making, name));
  }
  return {
    async keep() {
      await rm(join(kept, String(KEPT - 1)), { recursive: true, force: true });
      for (let i = KEPT - 2; i >= 0; i--) await move(join(kept, String(i)), join(kept, String(i + 1)));
      await move(making, join(kept, '0'));
      await rm(join(kept, 'damaged'), { recursive: true, force: true });
    },
    async keepOfDamaged() {
      const there = await readdir(kept);
      if (there.includes('damaged')) await drop();
      else await move(making, join(kept, 'damaged'));
    },
    drop,
  };
}

async function move(from: string, to: string): Promise<void> {
  try {
    await rename(from, to);
  } catch (e) {
    if (errnoOf(e) !== 'ENOENT') throw e;
  }
}
