import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { connect as connectHttp2 } from 'node:http2';
import { connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { createClient } from '@connectrpc/connect';
import { compressionGzip, createGrpcTransport } from '@connectrpc/connect-node';
import { expect, test } from '@jest/globals';
import { Content } from '@stowage/api/content/v1';
import { Events } from '@stowage/api/events/v1';
import { Version } from '@stowage/api/version/v1';
import { rpcClient, serviceRoutes } from '../src/index.ts';
import { memoryTransport } from '../src/transport.ts';
import { serve } from './fixture.ts';
import { RawHttp2 } from './raw-http2.ts';

const MIB16 = 16 * 1024 * 1024;
/** A topic that makes the whole message so long: tag and length take 5 bytes. */
const topic = (bytes: number) => 'x'.repeat(bytes - 5);
const echo = serviceRoutes(Events, {
  publish: () => ({}),
  async *subscribe({ filters }) {
    yield { topic: topic(Number(filters[0])) };
  },
});
async function drain(stream: AsyncIterable<unknown>) {
  for await (const _ of stream);
}

test('messages of 16 MiB pass both ways, over a socket and in memory; one byte more does not', async () => {
  await using s = await serve([echo]);
  for (const transport of [s.transport, memoryTransport(echo)]) {
    const client = rpcClient(Events, transport);
    await client.publish({ topic: topic(MIB16) });
    await expect(client.publish({ topic: topic(MIB16 + 1) })).rejects.toMatchObject({
      kind: 'resource_exhausted',
    });
    await drain(client.subscribe({ filters: [String(MIB16)] }));
    await expect(drain(client.subscribe({ filters: [String(MIB16 + 1)] }))).rejects.toMatchObject({
      kind: 'resource_exhausted',
    });
  }
});

test('the server refuses what a client without limits sends, in every protocol', async () => {
  await using s = await serve([echo]);
  const nodeOptions = { createConnection: () => connect(s.path), maxSessionMemory: 100 };
  const client = createClient(Events, createGrpcTransport({ baseUrl: 'http://x', nodeOptions }));
  await expect(client.publish({ topic: topic(MIB16 + 1) })).rejects.toMatchObject({ code: 8 });
  for (const flags of [[], ['--http2-prior-knowledge']]) {
    const args = [
      '-sS',
      '--unix-socket',
      s.path,
      '-H',
      'content-type: application/json',
      '--data-binary',
      '@-',
    ];
    const child = promisify(execFile)('curl', [...args, ...flags, `http://x/${Events.typeName}/Publish`]);
    child.child.stdin?.on('error', () => {});
    child.child.stdin?.end(JSON.stringify({ topic: topic(MIB16 + 1) }));
    expect(JSON.parse((await child).stdout)).toMatchObject({ code: 'resource_exhausted' });
  }
});

test('a compressed message is measured by what comes out of it, without making it', async () => {
  await using s = await serve([echo]);
  const bomb = gzipSync(Buffer.alloc(512 * 1024 * 1024));
  const sendCompression = { ...compressionGzip, compress: async () => new Uint8Array(bomb) };
  const nodeOptions = { createConnection: () => connect(s.path), maxSessionMemory: 100 };
  const transport = createGrpcTransport({
    baseUrl: 'http://x',
    nodeOptions,
    sendCompression,
    compressMinBytes: 0,
  });
  const before = process.memoryUsage().rss;
  await expect(createClient(Events, transport).publish({ topic: 'x' })).rejects.toMatchObject({ code: 8 });
  expect(process.memoryUsage().rss - before).toBeLessThan(64 * 1024 * 1024);
});

test('an envelope that claims 4 GiB allocates nothing, and its stream is ended', async () => {
  await using s = await serve([echo]);
  const session = connectHttp2('http://x', { createConnection: () => connect(s.path) });
  const stream = session.request({
    ':method': 'POST',
    ':path': `/${Events.typeName}/Publish`,
    'content-type': 'application/grpc',
  });
  stream.on('error', () => {});
  stream.write(Buffer.from([0, 255, 255, 255, 255, 1]));
  const [trailers] = await once(stream.resume(), 'trailers');
  expect(trailers).toMatchObject({ 'grpc-status': '8' });
  await once(stream, 'close'); // although we never ended our side
  session.destroy();
});

/** A bare HTTP/2 client. */
function rawClient(path: string) {
  const session = connectHttp2('http://x', { createConnection: () => connect(path) });
  const failures: unknown[] = [];
  session.on('error', (e) => failures.push(e));
  session.on('goaway', (code) => failures.push(code));
  const call = (method: string) => {
    const head = { ':method': 'POST', 'content-type': 'application/grpc' };
    const stream = session.request({ ...head, ':path': method });
    stream.on('error', () => {});
    stream.end(Buffer.alloc(5));
    return stream.resume();
  };
  return { session, failures, call };
}
const versionRoutes = serviceRoutes(Version, { version: () => ({ version: '1' }) });

const reading = serviceRoutes(Content, {
  async *read(_, { signal }) {
    yield { data: new Uint8Array(1024) };
    await delay(60_000, undefined, { signal });
  },
});
test('20,000 calls that are cancelled do not end the connection', async () => {
  await using s = await serve([reading, versionRoutes]);
  const client = await RawHttp2.connect(s.path);
  const held = client.call(`/${Content.typeName}/Read`);
  let heldEnded = false;
  void client.ended(held).then(() => {
    heldEnded = true;
  });
  for (let i = 0; i < 20_000; i += 200) {
    const batch = Array.from({ length: 200 }, () => client.call(`/${Content.typeName}/Read`));
    await delay(2); // some are answered by now
    for (const stream of batch) client.cancel(stream);
  }
  await client.ended(client.call(`/${Version.typeName}/Version`));
  expect(client.goaways).toEqual([]);
  expect(client.closed).toBe(false);
  expect(heldEnded).toBe(false);
  client.destroy();
}, 180_000);

test('with the limits that Node has by itself, it would end', async () => {
  await using s = await serve([reading], { limits: { streamResetBurst: 1000, streamResetRate: 33 } });
  const client = await RawHttp2.connect(s.path);
  for (let i = 0; i < 2000; i++) client.cancel(client.call(`/${Content.typeName}/Read`));
  while (!client.closed) await delay(20);
  expect(client.goaways).not.toEqual([]);
}, 180_000);

test('a client may hold ten thousand calls on one connection', async () => {
  let held = 0;
  const routes = serviceRoutes(Content, {
    info: (_, { signal }) =>
      new Promise((_settle, fail) => {
        held++;
        signal.addEventListener('abort', () => {
          held--;
          fail(signal.reason);
        });
      }),
  });
  await using s = await serve([routes, versionRoutes]);
  const { session, failures, call } = rawClient(s.path);
  for (let i = 0; i < 10_000; i++) call(`/${Content.typeName}/Info`);
  while (held < 10_000) await delay(20);
  const [trailers] = await once(call(`/${Version.typeName}/Version`), 'trailers');
  expect(trailers).toMatchObject({ 'grpc-status': '0' });
  expect(failures).toEqual([]);
  session.destroy();
  while (held > 0) await delay(20);
}, 180_000);
