import { expect, test } from '@jest/globals';
import { readBlob } from '@stowage/content';
import { digestOf } from '@stowage/core';
import { blobOf, names, put, Setting } from './setting.ts';

test('a blob is visible only where it was committed', async () => {
  await using at = await Setting.make();
  const { digest } = await put(at.contentOf('a'), 'hello', { 'x.y/z': '1' });
  await at.reopen();
  expect(await at.contentOf('a').info(digest)).toMatchObject({ sizeBytes: 5n, labels: { 'x.y/z': '1' } });
  expect(Buffer.from(await readBlob(at.contentOf('a'), { digest })).toString()).toBe('hello');
  const other = at.contentOf('b');
  await expect(other.info(digest)).rejects.toMatchObject({ kind: 'not_found' });
  await expect(Array.fromAsync(other.read(digest))).rejects.toMatchObject({ kind: 'not_found' });
  await expect(other.update(digest, {})).rejects.toMatchObject({ kind: 'not_found' });
  await expect(other.delete(digest)).rejects.toMatchObject({ kind: 'not_found' });
  expect(await Array.fromAsync(other.list())).toEqual([]);
});

test('a blob that another namespace has needs no bytes', async () => {
  await using at = await Setting.make();
  const { digest } = await put(at.contentOf('a'), 'hello');
  const other = at.contentOf('b');
  const open = () => other.writer({ ref: 'r', expected: digest, total: 5n });
  {
    await using writer = await open();
    expect(await writer.status()).toMatchObject({
      ref: 'r',
      offset: 5n,
      total: 5n,
      expected: digest,
      digest,
    });
    await expect(writer.commit({ sizeBytes: 4n })).rejects.toMatchObject({ kind: 'failed_precondition' });
    await expect(writer.commit()).rejects.toMatchObject({ kind: 'failed_precondition' });
  }
  {
    await using writer = await open();
    const wrong = digestOf('x');
    await expect(writer.commit({ expected: wrong })).rejects.toMatchObject({ kind: 'failed_precondition' });
  }
  {
    await using writer = await open();
    expect(await writer.commit({ labels: { l: 'v' } })).toBe(digest);
  }
  expect(await at.contentOf('b').info(digest)).toMatchObject({ sizeBytes: 5n, labels: { l: 'v' } });
  expect((await at.contentOf('a').info(digest)).labels).toEqual({});
  await expect(at.contentOf('b').status('r')).rejects.toMatchObject({ kind: 'not_found' });
});

test('whoever sends the bytes of a shared blob all the same is served as well', async () => {
  await using at = await Setting.make();
  const { digest } = await put(at.contentOf('a'), 'hello');
  await put(at.contentOf('b'), 'hello');
  expect((await at.contentOf('b').info(digest)).sizeBytes).toBe(5n);
  {
    await using writer = await at.contentOf('c').writer({ ref: 'r', expected: digest });
    await writer.truncate(2n);
    expect((await writer.status()).offset).toBe(2n);
    await writer.write(Buffer.from('llo'));
    await writer.commit({ sizeBytes: 5n, expected: digest });
  }
  expect((await at.contentOf('c').info(digest)).sizeBytes).toBe(5n);
  expect(at.content.ingests.size).toBe(0);
});

test('a writer for a blob that is here already: already_exists, and the lease holds it', async () => {
  await using at = await Setting.make();
  const { digest } = await put(at.contentOf(), 'hello');
  await at.scope().leases.create({ id: 'l' });
  const leased = at.contentOf('default', 'l');
  await expect(leased.writer({ ref: 'r', expected: digest })).rejects.toMatchObject({
    kind: 'already_exists',
  });
  expect(await Array.fromAsync(at.scope().leases.resources('l'))).toEqual([{ type: 'content', id: digest }]);
});

test('a commit that comes second: already_exists, leased, and the ingest is gone', async () => {
  await using at = await Setting.make();
  await at.scope().leases.create({ id: 'l' });
  const { digest } = blobOf('hello');
  {
    await using writer = await at.contentOf('default', 'l').writer({ ref: 'r' });
    await writer.write(Buffer.from('hello'));
    await put(at.contentOf(), 'hello');
    await expect(writer.commit({ sizeBytes: 5n })).rejects.toMatchObject({ kind: 'already_exists' });
  }
  await expect(at.contentOf().status('r')).rejects.toMatchObject({ kind: 'not_found' });
  expect(await Array.fromAsync(at.scope().leases.resources('l'))).toEqual([{ type: 'content', id: digest }]);
  await at.metadata.collect();
  expect(at.content.ingests.size).toBe(0);
});

test('an ingest is kept, across a reopen, until it is resumed; its lease moves on to the blob', async () => {
  await using at = await Setting.make();
  await at.scope().leases.create({ id: 'l' });
  {
    await using writer = await at.contentOf('default', 'l').writer({ ref: 'a/b', total: 5n });
    await writer.write(Buffer.from('hel'));
    await expect(at.contentOf().writer({ ref: 'a/b' })).rejects.toMatchObject({ kind: 'unavailable' });
    await expect(at.contentOf('other').status('a/b')).rejects.toMatchObject({ kind: 'not_found' });
  }
  await at.reopen();
  expect(await at.contentOf().status('a/b')).toMatchObject({ ref: 'a/b', offset: 3n, total: 5n });
  expect(await names(at.contentOf().statuses(['ref~=^a']), ({ ref }) => ref)).toEqual(['a/b']);
  expect(await Array.fromAsync(at.scope().leases.resources('l'))).toEqual([{ type: 'ingests', id: 'a/b' }]);
  await using writer = await at.contentOf('default', 'l').writer({ ref: 'a/b', total: 5n });
  await writer.write(Buffer.from('lo'));
  const digest = await writer.commit();
  expect(digest).toBe(blobOf('hello').digest);
  expect(await Array.fromAsync(at.scope().leases.resources('l'))).toEqual([{ type: 'content', id: digest }]);
});

test('the same ref in two namespaces is two ingests', async () => {
  await using at = await Setting.make();
  await using a = await at.contentOf('a').writer({ ref: 'r' });
  await using b = await at.contentOf('b').writer({ ref: 'r' });
  await a.write(Buffer.from('one'));
  await b.write(Buffer.from('two'));
  expect(await a.commit()).toBe(digestOf('one'));
  expect(await b.commit()).toBe(digestOf('two'));
});

test('a commit that does not match keeps the ingest and makes no blob', async () => {
  await using at = await Setting.make();
  const content = at.contentOf();
  {
    await using writer = await content.writer({ ref: 'r' });
    await writer.write(Buffer.from('hello'));
    await expect(writer.commit({ expected: digestOf('x') })).rejects.toMatchObject({
      kind: 'failed_precondition',
    });
    await expect(writer.commit({ sizeBytes: 4n })).rejects.toMatchObject({ kind: 'failed_precondition' });
  }
  expect(await content.status('r')).toMatchObject({ offset: 5n });
  expect(await Array.fromAsync(content.list())).toEqual([]);
  await content.abort('r');
  await expect(content.abort('r')).rejects.toMatchObject({ kind: 'not_found' });
  expect(at.content.ingests.size).toBe(0);
});

test('another hash than sha256 may be asked for when opening or when committing', async () => {
  await using at = await Setting.make();
  const expected = digestOf('hello', 'sha512');
  await using late = await at.contentOf().writer({ ref: 'late' });
  await late.write(Buffer.from('hello'));
  expect(await late.commit({ expected })).toBe(expected);
  await using early = await at.contentOf('b').writer({ ref: 'early', expected: digestOf('bye', 'sha512') });
  await early.write(Buffer.from('bye'));
  expect(await early.commit()).toBe(digestOf('bye', 'sha512'));
});

test('labels of a blob change by mask, and only labels', async () => {
  await using at = await Setting.make();
  const content = at.contentOf();
  const { digest } = await put(content, 'hello', { a: '1', 'x.y': '2' });
  expect((await content.update(digest, { 'x.y': '' }, ['labels.x.y'])).labels).toEqual({ a: '1' });
  expect((await content.update(digest, { b: '3' })).labels).toEqual({ b: '3' });
  await expect(content.update(digest, {}, ['size'])).rejects.toMatchObject({ kind: 'invalid_argument' });
  await expect(content.update(digest, { a: 'x'.repeat(4097) })).rejects.toMatchObject({
    kind: 'invalid_argument',
  });
  expect(await names(content.list(['labels.b==3']), (blob) => blob.digest)).toEqual([digest]);
});

test('a blob goes with its last namespace', async () => {
  await using at = await Setting.make();
  const { digest } = await put(at.contentOf('a'), 'hello', { 'containerd.io/gc.root': 'x' });
  await put(at.contentOf('b'), 'hello', { 'containerd.io/gc.root': 'x' });
  await at.contentOf('a').delete(digest);
  await at.metadata.collect();
  expect(at.content.blobs.has(digest)).toBe(true);
  await at.contentOf('b').delete(digest);
  await at.metadata.collect();
  expect(at.content.blobs.has(digest)).toBe(false);
  expect(at.heard.topics).toEqual([
    '/content/create',
    '/content/create',
    '/content/delete',
    '/content/delete',
  ]);
  expect(at.heard.envelopes[0]?.event.typeUrl).toBe('containerd.events.ContentCreate');
});

test('bytes under way to a namespace are not collected while the other namespace deletes the blob', async () => {
  await using at = await Setting.make();
  const { digest } = await put(at.contentOf('a'), 'hello');
  await using writer = await at.contentOf('b').writer({ ref: 'r', expected: digest });
  await at.contentOf('a').delete(digest);
  await at.metadata.collect();
  expect(at.content.blobs.has(digest)).toBe(true);
  await writer.commit();
  await at.scope('b').leases.create({ id: 'l' });
  await at.scope('b').leases.addResource('l', { type: 'content', id: digest });
  await writer[Symbol.asyncDispose]();
  await at.metadata.collect();
  expect((await at.contentOf('b').info(digest)).sizeBytes).toBe(5n);
});

test('a commit that the backend fails leaves the ingest for another try', async () => {
  await using at = await Setting.make();
  const { digest } = blobOf('hello');
  at.content.gate = async () => {
    at.content.gate = () => Promise.resolve();
    throw new Error('the disk went away');
  };
  {
    await using writer = await at.contentOf().writer({ ref: 'r' });
    await writer.write(Buffer.from('hello'));
    await expect(writer.commit()).rejects.toThrow('the disk went away');
  }
  await at.metadata.collect();
  expect(at.content.blobs.has(digest)).toBe(false);
  await using again = await at.contentOf().writer({ ref: 'r' });
  expect(await again.status()).toMatchObject({ offset: 5n });
  expect(await again.commit()).toBe(digest);
});

test('an ingest that is aborted under its writer ends it, also one that needs no bytes', async () => {
  await using at = await Setting.make();
  const { digest } = await put(at.contentOf('a'), 'hello');
  const other = at.contentOf('b');
  await using writer = await other.writer({ ref: 'r', expected: digest });
  await other.abort('r');
  await expect(writer.commit()).rejects.toMatchObject({ kind: 'aborted' });
  await using next = await other.writer({ ref: 'r', expected: digest });
  await writer[Symbol.asyncDispose]();
  await expect(other.writer({ ref: 'r' })).rejects.toMatchObject({ kind: 'unavailable' });
  await next.commit();
});
