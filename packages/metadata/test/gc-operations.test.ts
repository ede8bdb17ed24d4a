import { expect, test } from '@jest/globals';
import { Metadata } from '@stowage/metadata';
import { localOperations } from '@stowage/operations/local';
import { tempDir } from '@stowage/testing';

test('each collection is told to all namespaces, with its phases, and can not be canceled', async () => {
  await using dir = await tempDir('gc-operations');
  const operations = localOperations();
  await using metadata = await Metadata.open(dir.path, { operations });
  await Promise.all([metadata.collect(), metadata.collect()]);
  const told = await Array.fromAsync(operations.scope({ namespace: 'any' }).list());
  const phases = ['mark', 'sweep', 'prune'].map((name) => ({ name }));
  const one = { kind: 'gc', namespace: '', state: 'done', cancelable: false, phases };
  expect(told).toMatchObject([one, one]);
});

test('one that fails is told with its failure', async () => {
  await using dir = await tempDir('gc-operations');
  const operations = localOperations();
  const metadata = await Metadata.open(dir.path, { operations });
  await metadata[Symbol.asyncDispose]();
  await expect(metadata.collect()).rejects.toThrow();
  expect(await Array.fromAsync(operations.scope({ namespace: '' }).list())).toMatchObject([
    { kind: 'gc', state: 'failed', error: { message: expect.any(String) } },
  ]);
});
