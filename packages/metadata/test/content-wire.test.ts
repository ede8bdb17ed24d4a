import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { Code, createClient } from '@connectrpc/connect';
import { expect, test } from '@jest/globals';
import {
  Content,
  WriteAction,
  WriteContentRequestSchema,
  type WriteContentResponse,
} from '@stowage/api/content/v1';
import { contentRoutes } from '@stowage/content/service';
import { digestOf } from '@stowage/core';
import { memoryTransport } from '@stowage/rpc/transport';
import { put, Setting } from './setting.ts';

const { STAT, WRITE, COMMIT } = WriteAction;
type Init = MessageInitShape<typeof WriteContentRequestSchema>;

/** Sends messages of one Write stream as foreign clients do. @returns the responses. */
async function write(at: Setting, headers: Record<string, string>, ...messages: Init[]) {
  const routes = contentRoutes((scope) => at.contentOf(scope.namespace, scope.lease));
  const rpc = createClient(Content, memoryTransport(routes));
  async function* requests() {
    for (const message of messages) yield create(WriteContentRequestSchema, message);
  }
  const responses: WriteContentResponse[] = [];
  for await (const response of rpc.write(requests(), { headers })) responses.push(response);
  return responses;
}

const ns = (name: string, lease?: string) => ({
  'containerd-namespace': name,
  ...(lease && { 'containerd-lease': lease }),
});
const data = (text: string) => Buffer.from(text);

test('labels count on COMMIT only', async () => {
  await using at = await Setting.make();
  await write(
    at,
    ns('a'),
    { ref: 'r', action: STAT, labels: { stat: '1' } },
    { action: WRITE, data: data('hello'), labels: { write: '1' } },
    { action: COMMIT, offset: 5n, labels: { commit: '1', empty: '' } },
  );
  expect((await at.contentOf('a').info(digestOf('hello'))).labels).toEqual({ commit: '1' });
});

test('a shared blob: the answer to the opening says that all of it is there, and COMMIT needs no bytes', async () => {
  await using at = await Setting.make();
  const { digest: expected } = await put(at.contentOf('a'), 'hello');
  const [stat, commit] = await write(
    at,
    ns('b'),
    { ref: 'r', action: STAT, total: 5n, expected },
    { action: COMMIT, total: 5n, expected, offset: 5n },
  );
  expect(stat).toMatchObject({ action: STAT, offset: 5n, total: 5n, digest: expected });
  expect(commit).toMatchObject({ action: COMMIT, offset: 5n, digest: expected });
});

test.each([STAT, WRITE, COMMIT])(
  'a message (action %d) that names a blob which is here: already_exists, the ingest goes',
  async (action) => {
    await using at = await Setting.make();
    const { digest: expected } = await put(at.contentOf('a'), 'hello');
    const late = write(
      at,
      ns('a'),
      { ref: 'r', action: WRITE, data: data('hel') },
      { action, offset: 3n, expected, data: data('lo') },
    );
    await expect(late).rejects.toMatchObject({ code: Code.AlreadyExists });
    await expect(at.contentOf('a').status('r')).rejects.toMatchObject({ kind: 'not_found' });
  },
);

test('a message that names a damaged blob goes on, and repairs it', async () => {
  await using at = await Setting.make();
  const { digest: expected } = await put(at.contentOf('a'), 'hello');
  at.content.blobs.delete(expected);
  await write(
    at,
    ns('a'),
    { ref: 'r', action: STAT, expected },
    { action: WRITE, data: data('hel'), expected },
    { action: COMMIT, offset: 3n, expected, data: data('lo') },
  );
  expect((await at.contentOf('a').info(expected)).sizeBytes).toBe(5n);
});

test('already_exists tells nobody of a new blob, and leases the old one, whenever it is named', async () => {
  await using at = await Setting.make();
  const { digest: expected } = await put(at.contentOf('a'), 'hello');
  const told = at.heard.topics.length;
  const openings: Init[][] = [
    [{ ref: 'r', action: STAT, expected }],
    [{ ref: 'r', action: COMMIT, data: data('hello') }],
    [
      { ref: 'r', action: STAT },
      { action: WRITE, data: data('he'), expected },
    ],
    [
      { ref: 'r', action: STAT },
      { action: WRITE, data: data('hello') },
      { action: COMMIT, total: 5n, offset: 5n, expected },
    ],
  ];
  for (const [i, messages] of openings.entries()) {
    await at.scope('a').leases.create({ id: `l${i}` });
    await expect(write(at, ns('a', `l${i}`), ...messages)).rejects.toMatchObject({
      code: Code.AlreadyExists,
    });
    const held = await Array.fromAsync(at.scope('a').leases.resources(`l${i}`));
    expect(held).toEqual([{ type: 'content', id: expected }]);
  }
  expect(at.heard.topics.slice(told)).toEqual([]);
  expect([...at.content.ingests.keys()]).toEqual([]);
});

test('a lease that does not exist is not_found, whatever would have come of the call', async () => {
  await using at = await Setting.make();
  const { digest: expected } = await put(at.contentOf('a'), 'hello');
  const missing = expect.objectContaining({
    code: Code.NotFound,
    message: expect.stringContaining('"nobody"'),
  });
  await expect(write(at, ns('a', 'nobody'), { ref: 'r', action: STAT, expected })).rejects.toEqual(missing);
  await expect(write(at, ns('a', 'nobody'), { ref: 'r', action: STAT })).rejects.toEqual(missing);
  await expect(at.contentOf('a').status('r')).rejects.toMatchObject({ kind: 'not_found' });
});

test('no namespace is failed_precondition', async () => {
  await using at = await Setting.make();
  await expect(write(at, {}, { ref: 'r', action: STAT })).rejects.toMatchObject({
    code: Code.FailedPrecondition,
    message: expect.stringContaining('namespace is required'),
  });
});

test('another total throws the ingest away, the same one goes on; the digest so far is of what is there', async () => {
  await using at = await Setting.make();
  await write(at, ns('a'), { ref: 'r', action: WRITE, total: 5n, data: data('hel') });
  const [same] = await write(at, ns('a'), { ref: 'r', action: STAT, total: 5n });
  expect(same).toMatchObject({ offset: 3n, total: 5n, digest: digestOf('hel') });
  const [other] = await write(at, ns('a'), { ref: 'r', action: STAT, total: 6n });
  expect(other).toMatchObject({ offset: 0n, total: 6n, digest: digestOf('') });
});

test('a sha512 digest may come with the opening or with COMMIT alone', async () => {
  await using at = await Setting.make();
  const expected = digestOf('hello', 'sha512');
  const [, , commit] = await write(
    at,
    ns('a'),
    { ref: 'r', action: STAT },
    { action: WRITE, data: data('hello') },
    { action: COMMIT, offset: 5n, expected },
  );
  expect(commit?.digest).toBe(expected);
  const early = await write(at, ns('b'), {
    ref: 'r',
    action: COMMIT,
    expected,
    data: data('hello'),
    total: 5n,
  });
  expect(early.at(-1)?.digest).toBe(expected);
});
