// What a power cut does to an ingest: bytes that nobody synced come back as zeros.
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, test } from '@jest/globals';
import { LocalContentStore } from '@stowage/content-store';
import { digestOf } from '@stowage/core';
import { directory, tree } from './fixture.ts';

const TEXT = 'layer, '.repeat(2000);
const ref = 'layer-1';
const expected = digestOf(TEXT);

test('an ingest whose bytes were lost fails once, and begins anew after that', async () => {
  await using at = await directory();
  {
    await using store = await LocalContentStore.open(at.dir);
    await using writer = await store.writer({ ref });
    await writer.write(Buffer.from(TEXT.slice(0, 9000)));
  }
  const [data = ''] = (await tree(at.dir)).filter((name) => name.endsWith('/data'));
  await writeFile(path.join(at.dir, data), Buffer.from(TEXT.slice(0, 9000)).fill(0, 700, 4096));

  await using store = await LocalContentStore.open(at.dir);
  {
    await using writer = await store.writer({ ref });
    expect((await writer.status()).offset).toBe(9000n);
    await writer.write(Buffer.from(TEXT.slice(9000)));
    await expect(writer.commit({ expected })).rejects.toMatchObject({
      kind: 'failed_precondition',
      message: expect.stringContaining('write it again'),
    });
  }
  await using writer = await store.writer({ ref });
  expect((await writer.status()).offset).toBe(0n);
  await writer.write(Buffer.from(TEXT));
  expect(await writer.commit({ expected })).toBe(expected);
});

test('what a writer wrote itself stays though it is not what was expected', async () => {
  await using at = await directory();
  await using store = await LocalContentStore.open(at.dir);
  for (const begin of [async () => undefined, leave]) {
    await begin(store);
    await using writer = await store.writer({ ref });
    await writer.truncate(0n);
    await writer.write(Buffer.from('other'));
    await expect(writer.commit({ expected })).rejects.toMatchObject({ kind: 'failed_precondition' });
    expect((await store.status(ref)).offset).toBe(5n);
  }
});

async function leave(store: LocalContentStore): Promise<void> {
  await using writer = await store.writer({ ref });
  await writer.write(Buffer.from(TEXT));
}
