import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { create } from '@bufbuild/protobuf';
import { expect, test } from '@jest/globals';
import { InfoSchema } from '@stowage/api/content/v1';
import { ImageSchema } from '@stowage/api/images/v1';
import { LABEL, silentLogger } from '@stowage/core';
import { Database } from '../src/database/database.ts';
import { objectKey } from '../src/database/keys.ts';
import { Collector } from '../src/gc/collector.ts';
import { Ledger } from '../src/ledger/ledger.ts';
import { blobOf } from './setting.ts';

test('what somebody has to do with stays, with all that it keeps, until they are done', async () => {
  const root = await mkdtemp(join(tmpdir(), 'stowage-gc-locks-'));
  try {
    await using db = await Database.open(root, { log: silentLogger });
    const backends = { content: undefined, snapshotters: new Map(), mounts: undefined };
    const options = { log: silentLogger, now: () => new Date(), events: undefined };
    const ledger = new Ledger(db, backends, options);
    await using collector = new Collector(ledger);
    const { digest, size } = blobOf('x');
    const blob = objectKey('default', 'content', digest);
    const image = objectKey('default', 'images', 'expired');
    await ledger.mutate({}, async (tx) => {
      tx.put(InfoSchema, blob, create(InfoSchema, { digest, size }));
      const target = { digest, size, mediaType: 'application/octet-stream' };
      const labels = { [LABEL.gcExpire]: '2001-01-01T00:00:00Z' };
      tx.put(ImageSchema, image, create(ImageSchema, { name: 'expired', target, labels }));
    });
    {
      using _busy = await ledger.locks.acquire({ exclusive: [image] });
      expect((await collector.collect()).removed).toBe(0);
      expect(await db.hasMany([image, blob])).toEqual([true, true]);
    }
    {
      using _kept = await ledger.locks.acquire({ shared: [blob] });
      expect((await collector.collect()).removed).toBe(1);
      expect(await db.hasMany([image, blob])).toEqual([false, true]);
    }
    expect((await collector.collect()).removed).toBe(1);
    expect(await db.has(blob)).toBe(false);
  } finally {
    await rm(root, { recursive: true });
  }
});
