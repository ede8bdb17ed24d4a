import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { silentLogger } from '@stowage/core';
import { Database } from '../src/database/database.ts';
import { type Sealed, seal } from '../src/database/frame.ts';
import { RecordCache } from '../src/database/record-cache.ts';

const recordOf = (text: string): Sealed => ({ payload: Buffer.from(text), backend: '' });
const textOf = (record: Sealed | undefined) => record && Buffer.from(record.payload).toString();

test('what was read is kept, and its readers cannot change it for each other', async () => {
  const cache = new RecordCache();
  const read = await cache.fill('k', async () => recordOf('v'));
  read?.payload.fill(0);
  cache.get('k')?.payload.fill(0);
  expect(textOf(cache.get('k'))).toBe('v');
});

test('a read that a write overtook is not kept', async () => {
  const cache = new RecordCache();
  const gate = Promise.withResolvers<Sealed>();
  const reading = cache.fill('k', () => gate.promise);
  {
    using _ = cache.writing(['k']);
    expect(textOf(await cache.fill('k', async () => recordOf('old, or new')))).toBe('old, or new');
  }
  gate.resolve(recordOf('old'));
  expect(textOf(await reading)).toBe('old');
  expect(cache.has('k')).toBe(false);
  await cache.fill('k', async () => recordOf('new'));
  expect(textOf(cache.get('k'))).toBe('new');
});

test('what is written is forgotten', async () => {
  const cache = new RecordCache();
  await cache.fill('k', async () => recordOf('v'));
  using _ = cache.writing(['k']);
  expect(cache.has('k')).toBe(false);
});

test('it holds so many bytes, of those read last', async () => {
  const cache = new RecordCache();
  const payload = 'x'.repeat(10_000);
  await cache.fill('hot', async () => recordOf(payload));
  for (let i = 0; i < 2000; i += 1) {
    await cache.fill(`k${i}`, async () => recordOf(payload));
    cache.get('hot');
  }
  expect(cache.has('hot')).toBe(true);
  expect(cache.has('k0')).toBe(false);
  expect(cache.has('k1999')).toBe(true);
  await cache.fill('large', async () => recordOf('x'.repeat(100_000)));
  expect(cache.has('large')).toBe(false);
});

test('whoever reads after a write was acknowledged reads what was written, whoever else reads', async () => {
  const root = await mkdtemp(join(tmpdir(), 'metadata-'));
  {
    await using db = await Database.open(root, { log: silentLogger });
    const keys = ['v1/a', 'v1/b', 'v1/c'];
    // These read from memory most of the time, and must let the loop turn all the same.
    let stop = false;
    const readers = Promise.all(
      keys.map(async (key) => {
        while (!stop) await Promise.all([db.get(key), db.get(key), db.has(key)]);
      }),
    );
    for (let i = 0; i < 200; i += 1) {
      await Promise.all(
        keys.map(async (key, k) => {
          const gone = (i + k) % 5 === 0;
          await db.commit(db.epoch, () => ({
            puts: gone ? new Map() : new Map([[key, seal(key, Buffer.from(`${i}`))]]),
            deletes: gone ? new Set([key]) : new Set(),
            events: [],
          }));
          expect(textOf(await db.get(key))).toBe(gone ? undefined : `${i}`);
          expect(await db.has(key)).toBe(!gone);
        }),
      );
    }
    stop = true;
    await readers;
  }
  await rm(root, { recursive: true });
}, 60_000);
