import { Code } from '@connectrpc/connect';
import { expect, test } from '@jest/globals';
import { writeBlob } from '@stowage/content';
import { contentGrpcPlugin } from '@stowage/content/plugin';
import { remoteContent } from '@stowage/content/remote';
import { digestOf, type StartContext, silentLogger } from '@stowage/core';
import type { Routes } from '@stowage/rpc';
import { memoryTransport } from '@stowage/rpc/transport';
import { served } from './fixture.ts';

async function put(at: Awaited<ReturnType<typeof served>>, bytes: Uint8Array) {
  const descriptor = { digest: digestOf(bytes), size: BigInt(bytes.length) };
  await writeBlob(at.store, `put ${descriptor.digest}`, bytes, descriptor);
  return descriptor.digest;
}

test('a read gives what was asked for and no more, counted from where it began', async () => {
  await using at = await served();
  const digest = await put(at, Buffer.alloc(3 * 1024 * 1024, 7));
  let expected = 0n;
  for await (const { offset, data } of at.rpc.read({ digest, offset: 1000n, size: 2_000_000n })) {
    expect(offset).toBe(expected);
    expect(data.byteLength).toBeLessThanOrEqual(1024 * 1024);
    expected += BigInt(data.byteLength);
  }
  expect(expected).toBe(2_000_000n);
});

test('a read of nothing sends nothing', async () => {
  await using at = await served();
  const digest = await put(at, Buffer.from('hello'));
  for await (const _ of at.rpc.read({ digest, offset: 5n })) throw new Error('a message came');
  const empty = await put(at, Buffer.alloc(0));
  for await (const _ of at.rpc.read({ digest: empty })) throw new Error('a message came');
});

test('a list comes in pages of 100', async () => {
  await using at = await served();
  await Promise.all(Array.from({ length: 205 }, (_, i) => put(at, Buffer.from(`${i}`))));
  const pages = [];
  for await (const { info } of at.rpc.list({})) pages.push(info.length);
  expect(pages).toEqual([100, 100, 5]);
});

test('an empty store lists no page', async () => {
  await using at = await served();
  for await (const _ of at.rpc.list({})) throw new Error('a message came');
});

test.each([
  '',
  'sha256:',
  'md5:d41d8cd98f00b204e9800998ecf8427e',
  'sha256:../../x',
  `sha256:${'A'.repeat(64)}`,
])('digest %j is invalid_argument everywhere', async (digest) => {
  await using at = await served();
  const bad = { code: Code.InvalidArgument };
  await expect(at.rpc.info({ digest })).rejects.toMatchObject(bad);
  await expect(at.rpc.delete({ digest })).rejects.toMatchObject(bad);
  await expect(at.rpc.update({ info: { digest } })).rejects.toMatchObject(bad);
  await expect(at.rpc.read({ digest })[Symbol.asyncIterator]().next()).rejects.toMatchObject(bad);
});

test('an update without info is invalid_argument', async () => {
  await using at = await served();
  await expect(at.rpc.update({})).rejects.toMatchObject({ code: Code.InvalidArgument });
});

test('the plugin serves the store alone, whatever the namespace, and is skipped without one', async () => {
  await using at = await served();
  const digest = await put(at, Buffer.from('hello'));
  const context = (needs: object) => {
    const nowhere = { root: '', state: '', config: {}, exports: new Map(), log: silentLogger };
    return { ...nowhere, needs, signal: new AbortController().signal } as unknown as StartContext;
  };
  const routes = (await contentGrpcPlugin.start(context({ backend: at.store }))) as Routes;
  expect((await remoteContent(memoryTransport(routes)).info(digest)).sizeBytes).toBe(5n);
  expect(() => contentGrpcPlugin.start(context({}))).toThrow(expect.objectContaining({ name: 'Skip' }));
});
