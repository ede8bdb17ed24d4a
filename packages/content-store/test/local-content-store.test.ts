import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, test } from '@jest/globals';
import { LocalContentStore } from '@stowage/content-store';
import { digestOf } from '@stowage/core';

test('an ingest becomes a blob', async () => {
  const dir = await mkdtemp(path.join(tmpdir(), 'content-'));
  try {
    await using store = await LocalContentStore.open(path.join(dir, 'a/b'));
    const writer = await store.writer({ ref: 'r' });
    await writer.write(Buffer.from('hello'));
    await expect(store.writer({ ref: 'r' })).rejects.toMatchObject({ kind: 'unavailable' });
    expect(await store.status('r')).toMatchObject({ offset: 5n, total: 0n });
    expect(await writer.commit({ sizeBytes: 5n })).toBe(digestOf('hello'));
    const chunks = [];
    for await (const c of store.read(digestOf('hello'), { offset: 1n, length: 3n })) chunks.push(c);
    expect(Buffer.concat(chunks).toString()).toBe('ell');
    await expect(store.status('r')).rejects.toMatchObject({ kind: 'not_found' });
  } finally {
    await rm(dir, { recursive: true });
  }
});
