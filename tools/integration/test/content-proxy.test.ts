import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { type ContentStore, readBlob, writeBlob } from '@stowage/content';
import { remoteContent } from '@stowage/content/remote';
import { contentConformance } from '@stowage/content-conformance';
import { connectSocket, daemonSubject } from '@stowage/content-conformance/daemon';
import { type Descriptor, digestOf, LABEL } from '@stowage/core';
import { type ClosableTransport, unixTransport } from '@stowage/rpc/transport';
import { Daemon, demoArchive, mustCtr, type RpcFront, startRpcFront, until } from '@stowage/testing';
import { type Peer, startPeer } from '../peers/start.ts';
import { withTempDir } from '../suite.ts';

// Our daemon over a content store of ours in another process, which is killed in the midst of things.

const IMAGE = 'example.org/demo:1';
const suite = withTempDir('content-proxy');
let peer: Peer | undefined;
let front: RpcFront | undefined;
let daemon: Daemon | undefined;
let transport: ClosableTransport | undefined;
let content: ContentStore;

const at = () => daemon?.address ?? '';
const c = (...args: string[]) => mustCtr(at(), args);
const keep = { labels: { [LABEL.gcRoot]: 'test' } };
const blobOf = (bytes: Uint8Array): Pick<Descriptor, 'digest' | 'size'> => ({
  digest: digestOf(bytes),
  size: BigInt(bytes.byteLength),
});

async function serve(): Promise<Peer> {
  peer = await startPeer('serve-content', [join(suite.dir, 'store.sock'), join(suite.dir, 'store')]);
  return peer;
}

function wire(): RpcFront {
  if (front === undefined) throw new Error('nothing is in front');
  return front;
}

const away = () => ({
  kind: 'unavailable',
  message: expect.stringContaining(join(suite.dir, 'front.sock')),
});

beforeAll(async () => {
  await serve();
  front = await startRpcFront(join(suite.dir, 'front.sock'), join(suite.dir, 'store.sock'));
  const config = join(suite.dir, 'config.toml');
  await writeFile(
    config,
    `version = 3\n[proxy_plugins.elsewhere]\ntype = "content"\naddress = "${front.path}"\n`,
  );
  daemon = await Daemon.start({ dir: join(suite.dir, 'd'), config });
  transport = unixTransport(daemon.address);
  content = remoteContent(transport, { namespace: suite.namespace });
}, 60_000);

suite.before(async () => {
  await transport?.[Symbol.asyncDispose]();
  await daemon?.[Symbol.asyncDispose]();
  await front?.[Symbol.asyncDispose]();
  await peer?.[Symbol.asyncDispose]();
});

test('an image is imported, its blobs are in the other process, and it runs', async () => {
  await c('images', 'import', await demoArchive(join(suite.dir, 'image'), IMAGE));
  await using direct = unixTransport(join(suite.dir, 'store.sock'));
  const listed = async () => (await c('content', 'ls', '-q')).trim().split('\n').sort();
  const there = () => Array.fromAsync(remoteContent(direct).list(), ({ digest }) => digest);
  // What the import has left over may just be collected, here first and then there.
  await until('both list the same', async () => (await listed()).join() === (await there()).sort().join());
  const [one = ''] = await there();
  expect(digestOf(await c('content', 'get', one))).toBe(one);
  expect(await c('run', '--rm', IMAGE, 'first', '/bin/sh', '-c', 'echo hello')).toBe('hello\n');
}, 60_000);

test('it is told the namespace of each call, of deletions that of who had it last, and no lease', async () => {
  const lease = (await c('-n', 'blue', 'leases', 'create')).trim();
  const blue = remoteContent(transport as ClosableTransport, { namespace: 'blue', lease });
  const bytes = Buffer.from('of blue');
  const calls = wire().calls.length;
  await writeBlob(blue, 'blue-ref', bytes, blobOf(bytes));
  await readBlob(blue, blobOf(bytes));
  await using abandoned = await blue.writer({ ref: 'abandoned' });
  await abandoned.write(Buffer.from('x'));
  expect(await blue.status('abandoned')).toMatchObject({ offset: 1n });
  await blue.abort('abandoned');
  const since = wire().calls.slice(calls);
  expect(new Set(since.map(({ method }) => method))).toEqual(
    new Set(['Write', 'Info', 'Read', 'Status', 'Abort']),
  );
  expect(new Set(since.map(({ headers }) => headers['containerd-namespace']))).toEqual(new Set(['blue']));
  await c('-n', 'blue', 'leases', 'delete', '--sync', lease);
  const deleted = () =>
    wire()
      .calls.slice(calls)
      .filter(({ method }) => method === 'Delete');
  await until('the blob to be deleted', () => deleted().length > 0);
  for (const { headers } of deleted()) expect(headers['containerd-namespace']).toBe('blue');
  for (const { headers } of wire().calls) expect(headers['containerd-lease']).toBeUndefined();
});

// All that a store promises, two sockets away.
if (process.env.STOWAGE_LONG === '1')
  contentConformance(
    daemonSubject({
      name: 'the daemon over another process',
      capabilities: new Set(['labels', 'reopen', 'namespaces', 'shares', 'records']),
      connect: () => connectSocket(at()),
    }),
    { describe, test, skip: test.skip },
  );

test('it dies while a blob is written: unavailable, no blob, and the next writer goes on from there', async () => {
  const bytes = Buffer.alloc(3 << 20, 'stowage');
  const half = 1 << 20;
  const writer = await content.writer({ ref: 'interrupted', total: BigInt(bytes.length) });
  await writer.write(bytes.subarray(0, half));
  await peer?.kill();
  await expect(writer.write(bytes.subarray(half))).rejects.toMatchObject(away());
  await writer[Symbol.asyncDispose]();
  await expect(content.writer({ ref: 'interrupted' })).rejects.toMatchObject(away());
  await expect(content.info(digestOf(bytes))).rejects.toMatchObject({ kind: 'not_found' });

  await serve();
  expect(await content.status('interrupted')).toMatchObject({ offset: BigInt(half) });
  await using again = await content.writer({ ref: 'interrupted', total: BigInt(bytes.length) });
  expect((await again.status()).offset).toBe(BigInt(half));
  await again.write(bytes.subarray(half));
  expect(await again.commit(keep)).toBe(digestOf(bytes));
  expect(digestOf(await readBlob(content, blobOf(bytes)))).toBe(digestOf(bytes));
});

test('it dies while it commits: unavailable, no blob, and the commit can be made again', async () => {
  const bytes = Buffer.from('to be committed');
  const { digest } = blobOf(bytes);
  const writer = await content.writer({ ref: 'commit', expected: digest });
  await writer.write(bytes);
  peer?.freeze();
  const committing = writer.commit(keep);
  committing.catch(() => undefined);
  await new Promise((resolve) => setTimeout(resolve, 300));
  await peer?.kill();
  await expect(committing).rejects.toMatchObject(away());
  await writer[Symbol.asyncDispose]();
  await expect(content.info(digest)).rejects.toMatchObject({ kind: 'not_found' });

  await serve();
  await using again = await content.writer({ ref: 'commit', expected: digest });
  expect((await again.status()).offset).toBe(BigInt(bytes.length));
  await again.commit(keep);
  expect(await content.info(digest)).toMatchObject({ sizeBytes: BigInt(bytes.length) });
});

test('it dies while a blob is read: unavailable rather than a short blob; back, it reads whole', async () => {
  const bytes = Buffer.alloc(48 << 20, 'read me');
  await writeBlob(content, 'big', bytes, blobOf(bytes), keep);
  const { digest } = blobOf(bytes);
  let read = 0;
  const reading = (async () => {
    for await (const chunk of content.read(digest)) {
      if (read === 0) await peer?.kill();
      read += chunk.byteLength;
    }
  })();
  await expect(reading).rejects.toMatchObject(away());
  expect(read).toBeLessThan(bytes.length);
  await expect(content.info(digest)).rejects.toMatchObject(away());
  await expect(readBlob(content, { digest })).rejects.toMatchObject(away());
  await serve();
  expect(digestOf(await readBlob(content, { digest }, { maxBytes: bytes.length }))).toBe(digest);
}, 60_000);

test('the daemon starts without it, says what is away, and finds it when it comes', async () => {
  await peer?.kill();
  await daemon?.stop();
  await daemon?.start();
  const [one = ''] = (await c('content', 'ls', '-q')).split('\n');
  const failed = await mustCtr(at(), ['content', 'get', one]).catch((e: Error) => e.message);
  expect(failed).toContain(join(suite.dir, 'front.sock'));
  await serve();
  expect(digestOf(await c('content', 'get', one))).toBe(one);
  expect(await c('run', '--rm', IMAGE, 'again', '/bin/sh', '-c', 'echo back')).toBe('back\n');
}, 60_000);
