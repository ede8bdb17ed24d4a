import { expect, test } from '@jest/globals';
import { type Collection, Metadata } from '@stowage/metadata';
import { tempDir } from '@stowage/testing';

test('who listens is told of each collection, how long it took and what it did, until it leaves', async () => {
  await using dir = await tempDir('gc-collected');
  const metadata = await Metadata.open(dir.path);
  const told: Collection[] = [];
  const listening = metadata.onCollected((collection) => told.push(collection));
  const { leases } = metadata.scope({ namespace: 'a' });
  await leases.create({ id: 'gone', labels: { 'containerd.io/gc.expire': '2001-01-01T00:00:00Z' } });
  await metadata.collect();
  expect(told).toMatchObject([{ removed: 1, pruned: 0, durationMs: expect.any(Number) }]);
  expect(told[0]?.error).toBeUndefined();
  listening[Symbol.dispose]();
  await metadata.collect();
  expect(told).toHaveLength(1);

  metadata.onCollected((collection) => told.push(collection));
  await metadata[Symbol.asyncDispose]();
  await expect(metadata.collect()).rejects.toThrow();
  expect(told).toMatchObject([{}, { removed: 0, error: expect.anything() }]);
});
