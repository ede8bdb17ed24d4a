import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from '@jest/globals';
import { SnapshotStore } from '../src/index.ts';

const run = promisify(execFile);

/** A file system of one megabyte that goes with the block. */
async function smallDisk() {
  const dir = await mkdtemp(join(tmpdir(), 'snapshots-full-'));
  await run('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', dir]);
  return {
    dir,
    async [Symbol.asyncDispose]() {
      await run('umount', ['-l', dir]);
      await rm(dir, { recursive: true });
    },
  };
}

// LevelDB acknowledges writes after a failed one and forgets them; reopening in between is what saves them.
test('what is acknowledged after a full disk had room again survives a kill', async () => {
  await using disk = await smallDisk();
  await using scratch = await smallDisk();
  await using store = await SnapshotStore.open(join(disk.dir, 'metadata'));
  const labels = { l: 'x'.repeat(300) };
  await store.create('active', 'before', '', { labels });

  await mkdir(join(disk.dir, 'filler'));
  for (let i = 0, size = 1 << 18; size >= 512; i++) {
    await writeFile(join(disk.dir, 'filler', `${i}`), Buffer.alloc(size)).catch(() => {
      size >>= 1;
    });
  }
  const failed = new Set<string>();
  for (let i = 0; failed.size < 3 && i < 10_000; i++) {
    await store.create('active', `full${i}`, '', { labels }).catch((e) => {
      expect(['resource_exhausted', 'unavailable']).toContain(e.kind);
      failed.add(`full${i}`);
    });
  }
  expect(failed.size).toBe(3);

  await rm(join(disk.dir, 'filler'), { recursive: true });
  for (let i = 0; i < 200; i++) await store.create('active', `after${i}`, '', { labels });
  const acknowledged = await Array.fromAsync(store.list(), ({ info, id }) => ({ name: info.name, id }));
  expect(acknowledged.filter(({ name }) => name.startsWith('after'))).toHaveLength(200);
  expect(new Set(acknowledged.map(({ id }) => id)).size).toBe(acknowledged.length);

  // What a kill leaves: the files as they are, never closed.
  const killed = join(scratch.dir, 'metadata');
  await cp(join(disk.dir, 'metadata'), killed, { recursive: true });
  await using again = await SnapshotStore.open(killed);
  const found = await Array.fromAsync(again.list(), ({ info, id }) => ({ name: info.name, id }));
  expect(found).toEqual(acknowledged);
});
