import { Code } from '@connectrpc/connect';
import { expect, test } from '@jest/globals';
import { WriteAction } from '@stowage/api/content/v1';
import { digestOf } from '@stowage/core';
import { eventually, served, writeStream } from './fixture.ts';

const { STAT, WRITE, COMMIT } = WriteAction;
const data = (text: string) => Buffer.from(text);

test('every message has its response: where the ingest stands, and the digest so far', async () => {
  await using at = await served();
  const stream = writeStream(at.rpc);
  const stat = await stream.send({ action: STAT, ref: 'r', total: 11n });
  expect(stat).toMatchObject({ action: STAT, offset: 0n, total: 11n, digest: digestOf('') });
  expect(stat.startedAt).toBeDefined();
  expect(stat.updatedAt).toBeDefined();
  expect(await stream.send({ action: WRITE, data: data('hello ') })).toMatchObject({
    action: WRITE,
    offset: 6n,
    digest: digestOf('hello '),
  });
  const commit = {
    action: COMMIT,
    offset: 6n,
    data: data('world'),
    total: 11n,
    expected: digestOf('hello world'),
  };
  expect(await stream.send(commit)).toMatchObject({ action: COMMIT, offset: 11n, digest: commit.expected });
  await stream.end();
  expect((await at.store.info(digestOf('hello world'))).sizeBytes).toBe(11n);
});

test('a message that names no action is STAT: it moves nothing, whatever it carries', async () => {
  await using at = await served();
  const stream = writeStream(at.rpc);
  expect(await stream.send({ ref: 'r', data: data('hello'), offset: 9n })).toMatchObject({
    action: STAT,
    offset: 0n,
  });
  expect((await at.store.status('r')).offset).toBe(0n);
});

test('all in one message', async () => {
  await using at = await served();
  const stream = writeStream(at.rpc);
  const response = await stream.send({ action: COMMIT, ref: 'r', data: data('hello') });
  expect(response).toMatchObject({ offset: 5n, digest: digestOf('hello') });
});

test.each([
  ['the first message has no ref', { action: STAT }, Code.InvalidArgument],
  ['a digest is malformed', { action: STAT, ref: 'r', expected: 'sha256:../..' }, Code.InvalidArgument],
])('%s', async (_, first, code) => {
  await using at = await served();
  await expect(writeStream(at.rpc).send(first)).rejects.toMatchObject({ code });
});

test('a stream without any message is invalid_argument', async () => {
  await using at = await served();
  await expect(writeStream(at.rpc).end()).rejects.toMatchObject({ code: Code.InvalidArgument });
});

test('an offset must be where the ingest stands', async () => {
  await using at = await served();
  for (const offset of [4n, 6n, 1n << 40n]) {
    const stream = writeStream(at.rpc);
    await stream.send({ action: WRITE, ref: 'r', data: data('hello') });
    await expect(stream.send({ action: WRITE, offset, data: data('x') })).rejects.toMatchObject({
      code: Code.OutOfRange,
      message: expect.stringContaining('at 5'),
    });
  }
  expect((await at.store.status('r')).offset).toBe(5n);
});

test('offset 0 starts anew, with data and without', async () => {
  await using at = await served();
  const stream = writeStream(at.rpc);
  await stream.send({ action: WRITE, ref: 'r', data: data('hello') });
  expect(await stream.send({ action: WRITE, offset: 0n, data: data('bye') })).toMatchObject({ offset: 3n });
  expect(await stream.send({ action: WRITE, offset: 0n })).toMatchObject({
    offset: 0n,
    digest: digestOf(''),
  });
  await stream.send({ action: WRITE, offset: 0n, data: data('long before') });
  expect(await stream.send({ action: COMMIT, offset: 0n, data: data('whole') })).toMatchObject({
    digest: digestOf('whole'),
  });
});

test.each([
  ['size', { total: 4n }],
  ['digest', { expected: digestOf('other') }],
])('a commit of another %s is failed_precondition, and the ingest can be resumed', async (_, wrong) => {
  await using at = await served();
  const stream = writeStream(at.rpc);
  await stream.send({ action: WRITE, ref: 'r', data: data('hello') });
  await expect(stream.send({ action: COMMIT, offset: 5n, ...wrong })).rejects.toMatchObject({
    code: Code.FailedPrecondition,
  });
  const again = writeStream(at.rpc);
  expect(await again.send({ action: STAT, ref: 'r' })).toMatchObject({
    offset: 5n,
    digest: digestOf('hello'),
  });
  expect(await again.send({ action: COMMIT, offset: 5n })).toMatchObject({ digest: digestOf('hello') });
});

test('what the first message expects holds for the commit', async () => {
  await using at = await served();
  const stream = writeStream(at.rpc);
  await stream.send({ action: STAT, ref: 'r', total: 9n });
  await stream.send({ action: WRITE, data: data('hello') });
  await expect(stream.send({ action: COMMIT, offset: 5n })).rejects.toMatchObject({
    code: Code.FailedPrecondition,
  });
});

test('opening with a digest that is here is already_exists', async () => {
  await using at = await served();
  await writeStream(at.rpc).send({ action: COMMIT, ref: 'r', data: data('hello') });
  const expected = digestOf('hello');
  await expect(writeStream(at.rpc).send({ action: STAT, ref: 'x', expected })).rejects.toMatchObject({
    code: Code.AlreadyExists,
  });
});

test.each([STAT, WRITE, COMMIT])(
  'a later message (action %d) with a digest that came meanwhile is already_exists, and drops the ingest',
  async (action) => {
    await using at = await served();
    const expected = digestOf('hello');
    const slow = writeStream(at.rpc);
    await slow.send({ action: WRITE, ref: 'slow', data: data('hel') });
    await writeStream(at.rpc).send({ action: COMMIT, ref: 'fast', data: data('hello') });
    await expect(slow.send({ action, offset: 3n, expected })).rejects.toMatchObject({
      code: Code.AlreadyExists,
    });
    await expect(at.store.status('slow')).rejects.toMatchObject({ kind: 'not_found' });
  },
);

test.each([false, true])(
  'a ref is locked while its stream lives, and the ingest outlives it (socket: %s)',
  async (socket) => {
    await using at = await served({ socket });
    const first = writeStream(at.rpc);
    await first.send({ action: WRITE, ref: 'r', data: data('hello') });
    await expect(writeStream(at.rpc).send({ action: STAT, ref: 'r' })).rejects.toMatchObject({
      code: Code.Unavailable,
      message: expect.stringContaining('locked for'),
    });
    first.kill();
    const { offset } = await eventually(() => writeStream(at.rpc).send({ action: STAT, ref: 'r' }));
    expect(offset).toBe(5n);
  },
);

test('a half-closed stream ends well, keeps the ingest and frees the ref at once', async () => {
  await using at = await served({ socket: true });
  const first = writeStream(at.rpc);
  await first.send({ action: WRITE, ref: 'r', data: data('hello') });
  await first.end();
  expect(await writeStream(at.rpc).send({ action: STAT, ref: 'r' })).toMatchObject({ offset: 5n });
});

test('an abort ends the stream that writes', async () => {
  await using at = await served();
  const stream = writeStream(at.rpc);
  await stream.send({ action: WRITE, ref: 'r', data: data('hello') });
  await at.rpc.abort({ ref: 'r' });
  await expect(stream.send({ action: WRITE, offset: 5n, data: data('x') })).rejects.toMatchObject({
    code: Code.Aborted,
  });
});
