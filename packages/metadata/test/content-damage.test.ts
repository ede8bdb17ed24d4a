import { expect, test } from '@jest/globals';
import type { BlobCheck, ContentVerifier } from '@stowage/content';
import type { Digest } from '@stowage/core';
import { put, Setting } from './setting.ts';

const lost = expect.objectContaining({
  kind: 'data_loss',
  message: expect.stringMatching(/pull or write it again to repair it$/),
});

function verifier(at: Setting, namespace = 'default'): ContentVerifier {
  const { verifier } = at.scope(namespace);
  if (verifier === undefined) throw new Error('there is a content store');
  return verifier;
}

/** What happens to bytes in a backend that itself notices nothing. */
const harms: Array<[string, BlobCheck['state'], (at: Setting, digest: Digest) => void]> = [
  ['gone', 'missing', (at, digest) => void at.content.blobs.delete(digest)],
  ['cut off', 'corrupt', (at, digest) => alter(at, digest, 'hell')],
];

function alter(at: Setting, digest: Digest, text: string): void {
  const blob = at.content.blobs.get(digest);
  if (blob === undefined) throw new Error('there is a blob');
  const bytes = Buffer.from(text);
  at.content.blobs.set(digest, { bytes, info: { ...blob.info, sizeBytes: BigInt(bytes.length) } });
}

test.each(harms)(
  'bytes that are %s: data_loss in every namespace, found by verify',
  async (_, state, harm) => {
    await using at = await Setting.make();
    const { digest } = await put(at.contentOf('a'), 'hello');
    await put(at.contentOf('b'), 'hello');
    harm(at, digest);
    for (const namespace of ['a', 'b']) {
      const content = at.contentOf(namespace);
      await expect(content.info(digest)).rejects.toEqual(lost);
      await expect(Array.fromAsync(content.read(digest))).rejects.toEqual(lost);
      await expect(Array.fromAsync(content.read(digest, { offset: 1n, length: 1n }))).rejects.toEqual(lost);
      const checks = await Array.fromAsync(verifier(at, namespace).verify());
      expect(checks.at(-1)).toMatchObject({ digest, sizeBytes: 5n, state });
    }
    await expect(at.contentOf('c').info(digest)).rejects.toMatchObject({ kind: 'not_found' });
  },
);

test('a repair keeps the record and tells nobody of a new blob; the lease of who repairs holds it', async () => {
  await using at = await Setting.make();
  const { digest } = await put(at.contentOf(), 'hello', { kept: '1' });
  const { createdAt } = await at.contentOf().info(digest);
  const told = at.heard.topics.length;
  at.content.blobs.delete(digest);
  await at.scope().leases.create({ id: 'l' });
  await using writer = await at.contentOf('default', 'l').writer({ ref: 'r', expected: digest });
  await writer.write(Buffer.from('hello'));
  expect(await writer.commit({ labels: { kept: '2', added: '3' } })).toBe(digest);
  expect(await at.contentOf().info(digest)).toMatchObject({ createdAt, labels: { kept: '1', added: '3' } });
  expect(at.heard.topics.slice(told)).toEqual([]);
  expect(await Array.fromAsync(at.scope().leases.resources('l'))).toEqual([{ type: 'content', id: digest }]);
  await at.metadata.collect();
  expect(at.content.blobs.has(digest)).toBe(true);
});

test('a repair that fails leaves the record and the ingest, and can be tried again', async () => {
  await using at = await Setting.make();
  const { digest } = await put(at.contentOf(), 'hello', { 'containerd.io/gc.root': 'x' });
  at.content.blobs.delete(digest);
  {
    await using writer = await at.contentOf().writer({ ref: 'r', expected: digest });
    await writer.write(Buffer.from('hullo'));
    await expect(writer.commit()).rejects.toMatchObject({ kind: 'failed_precondition' });
  }
  await at.metadata.collect();
  await expect(at.contentOf().info(digest)).rejects.toEqual(lost);
  await using writer = await at.contentOf().writer({ ref: 'r', expected: digest });
  await writer.truncate(0n);
  await writer.write(Buffer.from('hello'));
  await writer.commit();
  expect((await at.contentOf().info(digest)).sizeBytes).toBe(5n);
});

test('a damaged blob is not shared, and whoever sends it repairs it for the owner', async () => {
  await using at = await Setting.make();
  const { digest } = await put(at.contentOf('a'), 'hello');
  at.content.blobs.delete(digest);
  await put(at.contentOf('b'), 'hello');
  expect((await at.contentOf('a').info(digest)).sizeBytes).toBe(5n);
});

test('labels of a damaged blob can change, and it can be deleted', async () => {
  await using at = await Setting.make();
  const { digest } = await put(at.contentOf(), 'hello');
  at.content.blobs.delete(digest);
  expect((await at.contentOf().update(digest, { a: '1' })).labels).toEqual({ a: '1' });
  await at.contentOf().delete(digest);
  await expect(at.contentOf().info(digest)).rejects.toMatchObject({ kind: 'not_found' });
  await at.metadata.collect();
});

test('a backend that can not verify is read instead', async () => {
  await using at = await Setting.make();
  const { digest } = await put(at.contentOf(), 'hello');
  const whole = { digest, sizeBytes: 5n, checkedBytes: 5n, state: 'whole', reason: '' };
  expect(await Array.fromAsync(verifier(at).verify())).toEqual([whole]);
  alter(at, digest, 'hallo');
  const [check] = await Array.fromAsync(verifier(at).verify([digest]));
  expect(check).toMatchObject({ state: 'corrupt', reason: expect.stringContaining('hash to') });
  await expect(Array.fromAsync(verifier(at, 'b').verify([digest]))).rejects.toMatchObject({
    kind: 'not_found',
  });
  expect(await Array.fromAsync(verifier(at).damaged())).toEqual([]);
});

test('a blob that goes while it is verified is left out', async () => {
  await using at = await Setting.make();
  const [a, b] = [await put(at.contentOf(), 'a'), await put(at.contentOf(), 'b')].map(({ digest }) => digest);
  const [first, second] = [a, b].toSorted() as [Digest, Digest];
  const seen: Digest[] = [];
  for await (const { digest } of verifier(at).verify()) {
    seen.push(digest);
    if (digest !== first) continue;
    await at.contentOf().delete(second);
    await at.metadata.collect();
  }
  expect(seen).toEqual([first]);
});
