import type { CallOptions } from '@stowage/core';
import { type DamagedFile, damagedFiles } from '../database/files/verify-files.ts';
import type { Ledger } from '../ledger/ledger.ts';
import { checkAll } from './check.ts';
import { fileFinding } from './damage.ts';
import type { Finding } from './finding.ts';
import { blobsOf, snapshotsOf } from './sources.ts';

/** Checks a database while it is in use: it and its backends are only read. */
export async function* checkLive(ledger: Ledger, options: CallOptions = {}): AsyncGenerator<Finding> {
  const { db, backends, locks } = ledger;
  for (const { name, text } of await lastingDamage(db.path)) yield fileFinding(name, text);
  const { content, snapshotters } = backends;
  yield* checkAll(
    {
      store: db.raw(),
      content: content && blobsOf(content),
      snapshotters: new Map([...snapshotters].map(([name, one]) => [name, snapshotsOf(one)])),
      hold: (shared, { signal }) => locks.acquire({ shared }, signal),
    },
    options,
  );
}

/** LevelDB replaces files under the reader: only what is wrong each time is wrong. */
async function lastingDamage(path: string): Promise<readonly DamagedFile[]> {
  let found: DamagedFile[] | undefined;
  for (let look = 0; look < 3 && found?.length !== 0; look += 1) {
    const now = await Array.fromAsync(damagedFiles(path));
    found = now.filter(({ name }) => found === undefined || found.some((one) => one.name === name));
  }
  return found ?? [];
}
