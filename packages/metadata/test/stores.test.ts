import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { digestOf, jsonBytes, TYPE_URL } from '@stowage/core';
import { Metadata } from '@stowage/metadata';

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'metadata-'));
});
afterEach(() => rm(root, { recursive: true, force: true }));

const target = { mediaType: 'application/vnd.oci.image.index.v1+json', digest: digestOf('x'), size: 1n };
const spec = jsonBytes(TYPE_URL.spec, {});

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  return Array.fromAsync(items);
}

test('images are there after a reopen, in the order of their names', async () => {
  {
    await using metadata = await Metadata.open(root);
    const { images } = metadata.scope({ namespace: 'default' });
    for (const name of ['b/c', 'b-c', 'a', '__proto__', 'v1/!log/0', 'é'])
      await images.create({ name, target, labels: { __proto__x: '1' } });
  }
  await using metadata = await Metadata.open(root);
  const { images } = metadata.scope({ namespace: 'default' });
  const names = (await all(images.list())).map(({ name }) => name);
  expect(names).toEqual(['__proto__', 'a', 'b-c', 'b/c', 'v1/!log/0', 'é']);
  expect((await all(metadata.namespaces.list())).map(({ name }) => name)).toEqual(['default']);
  expect(await all(metadata.scope({ namespace: 'other' }).images.list())).toEqual([]);
});
