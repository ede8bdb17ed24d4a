import { expect, test } from '@jest/globals';
import { LABEL } from '@stowage/core';
import { blobOf, put, Setting } from './setting.ts';

const isolated = { contentSharing: 'isolated' } as const;

async function label(at: Setting, name: string, value: string): Promise<void> {
  await at.namespaces.update({ name, labels: { [LABEL.shareable]: value } });
}

/** Where a writer of the blob begins in namespace `b`. */
async function offsetIn(at: Setting, text: string): Promise<bigint> {
  const { digest: expected, size: total } = blobOf(text);
  await using writer = await at.contentOf('b').writer({ ref: `for ${text}`, expected, total });
  return (await writer.status()).offset;
}

test('isolated: a blob of another namespace has to be sent, and is kept once all the same', async () => {
  await using at = await Setting.make(isolated);
  const { digest } = await put(at.contentOf('a'), 'hello', { whose: 'a' });
  expect(await offsetIn(at, 'hello')).toBe(0n);
  await put(at.contentOf('b'), 'hello', { whose: 'b' });
  expect((await at.contentOf('b').info(digest)).labels).toEqual({ whose: 'b' });
  expect(at.content.blobs.size).toBe(1);
  expect(at.content.ingests.size).toBe(1);
  await at.contentOf('a').delete(digest);
  await at.scope('b').leases.create({ id: 'l' });
  await at.scope('b').leases.addResource('l', { type: 'content', id: digest });
  await at.metadata.collect();
  expect((await at.contentOf('b').info(digest)).sizeBytes).toBe(5n);
});

test('isolated: wrong bytes get nobody a blob that is there', async () => {
  await using at = await Setting.make(isolated);
  const { digest: expected } = await put(at.contentOf('a'), 'hello');
  for (const text of ['', 'HELLO']) {
    await using writer = await at.contentOf('b').writer({ ref: 'r', expected });
    await writer.truncate(0n);
    await writer.write(Buffer.from(text));
    await expect(writer.commit({ expected })).rejects.toMatchObject({ kind: 'failed_precondition' });
  }
  await expect(at.contentOf('b').info(expected)).rejects.toMatchObject({ kind: 'not_found' });
});

test('isolated: a namespace that is labelled shareable gives its blobs to all others', async () => {
  await using at = await Setting.make(isolated);
  await put(at.contentOf('a'), 'hello');
  await put(at.contentOf('c'), 'other');
  for (const value of ['false', 'yes', 'TRUE']) {
    await label(at, 'a', value);
    expect(await offsetIn(at, 'hello')).toBe(0n);
  }
  await label(at, 'a', 'true');
  expect(await offsetIn(at, 'hello')).toBe(5n);
  expect(await offsetIn(at, 'other')).toBe(0n);
  // It is the owner's label that counts.
  await label(at, 'a', '');
  await label(at, 'b', 'true');
  expect(await offsetIn(at, 'hello')).toBe(0n);
});

test('isolated: bytes that no namespace has any more are nobody’s to share', async () => {
  await using at = await Setting.make(isolated);
  const { digest } = await put(at.contentOf('a'), 'hello');
  await label(at, 'a', 'true');
  await at.contentOf('a').delete(digest);
  expect(at.content.blobs.has(digest)).toBe(true);
  expect(await offsetIn(at, 'hello')).toBe(0n);
});

test('shared is what it is unless told', async () => {
  await using at = await Setting.make();
  await put(at.contentOf('a'), 'hello');
  expect(await offsetIn(at, 'hello')).toBe(5n);
});

test('the policy may change between two starts', async () => {
  await using at = await Setting.make(isolated);
  await put(at.contentOf('a'), 'hello');
  expect(await offsetIn(at, 'hello')).toBe(0n);
  const { digest } = await put(at.contentOf('b'), 'hello');
  expect((await at.contentOf('b').info(digest)).sizeBytes).toBe(5n);
  await at.reopen();
  expect((await at.contentOf('b').info(digest)).sizeBytes).toBe(5n);
});

test('a commit that finds the blob there leaves no bytes of its ingest, without a collection', async () => {
  await using at = await Setting.make();
  const { digest, size } = blobOf('x');
  await using late = await at.contentOf().writer({ ref: 'late', total: size });
  await late.write(Buffer.from('x'));
  await put(at.contentOf(), 'x');
  await expect(late.commit({ expected: digest })).rejects.toMatchObject({ kind: 'already_exists' });
  expect([...at.content.ingests.keys()]).toEqual([]);
});

test('what was ingested before a shared blob stood for it is gone after the commit, without a collection', async () => {
  await using at = await Setting.make();
  const { digest, size } = blobOf('hello');
  await using first = await at.contentOf('b').writer({ ref: 'r' });
  await first.write(Buffer.from('he'));
  await first[Symbol.asyncDispose]();
  await put(at.contentOf('a'), 'hello');
  await using second = await at.contentOf('b').writer({ ref: 'r', expected: digest, total: size });
  await second.commit();
  expect(await Array.fromAsync(at.contentOf('b').read(digest))).toEqual([Buffer.from('hello')]);
  expect([...at.content.ingests.keys()]).toEqual([]);
});
