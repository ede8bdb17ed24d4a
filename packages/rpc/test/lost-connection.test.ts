import { constants, createServer as createHttp2Server, type ServerHttp2Stream } from 'node:http2';
import { connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { Health } from '@stowage/api/health/v1';
import { type Routes, rpcClient, serviceRoutes } from '../src/index.ts';
import { unixTransport } from '../src/transport.ts';
import { serve, tempDir } from './fixture.ts';

/** A way to a server's socket that can be cut. */
async function front(path: string, to: string) {
  const sockets = new Set<Socket>();
  const server = createServer((near) => {
    const far = connect(to);
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(one);
      one.on('error', () => undefined);
      one.on('close', () => other.destroy());
      one.pipe(other);
    }
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  return {
    cut(how: 'end' | 'reset') {
      for (const socket of sockets) how === 'end' ? socket.end() : socket.destroy();
      sockets.clear();
    },
    async [Symbol.asyncDispose]() {
      this.cut('reset');
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Methods that begin and do not end. */
function endless(onBegun: () => void): Routes {
  const forever = (signal: AbortSignal) =>
    new Promise<never>((_, fail) => signal.addEventListener('abort', () => fail(signal.reason)));
  return serviceRoutes(Health, {
    async check(_, { signal }) {
      onBegun();
      return forever(signal);
    },
    async *watch(_, { signal }) {
      yield { status: 1 };
      await forever(signal);
    },
  });
}

const LOST = {
  kind: 'unavailable',
  message: expect.stringMatching(/^call to \S+front\.sock: the connection was lost/),
};

test.each(['end', 'reset'] as const)(
  'a call whose connection goes (%s) is unavailable and names the socket, and the next call finds it again',
  async (how) => {
    const begun = Promise.withResolvers<void>();
    await using server = await serve([endless(() => begun.resolve())]);
    const path = join(server.dir, 'front.sock');
    await using way = await front(path, server.path);
    await using transport = unixTransport(path);
    const health = rpcClient(Health, transport);

    const unary = health.check({});
    await begun.promise;
    way.cut(how);
    await expect(unary).rejects.toMatchObject(LOST);

    const stream = health.watch({})[Symbol.asyncIterator]();
    expect(await stream.next()).toMatchObject({ value: { status: 1 } });
    const more = stream.next();
    way.cut(how);
    await expect(more).rejects.toMatchObject(LOST);
  },
);

test('a call that a server which is about to end does not take is unavailable', async () => {
  await using dir = await tempDir();
  const path = join(dir.path, 'front.sock');
  const server = createHttp2Server();
  server.on('session', (session) => setImmediate(() => session.destroy()));
  await new Promise<void>((resolve) => server.listen(path, resolve));
  await using transport = unixTransport(path);
  await expect(rpcClient(Health, transport).check({})).rejects.toMatchObject({
    kind: 'unavailable',
    message: expect.stringContaining(path),
  });
  await new Promise((resolve) => server.close(resolve));
});

test('who gives a call up, or closes the transport, is told that and of no loss', async () => {
  let begun = Promise.withResolvers<void>();
  await using server = await serve([endless(() => begun.resolve())]);
  const transport = unixTransport(server.path);
  const health = rpcClient(Health, transport);
  const stop = new AbortController();
  const reason = new Error('enough');
  const given = health.check({}, { signal: stop.signal });
  await begun.promise;
  stop.abort(reason);
  await expect(given).rejects.toBe(reason);

  begun = Promise.withResolvers<void>();
  const open = health.check({});
  await begun.promise;
  await transport[Symbol.asyncDispose]();
  await expect(open).rejects.toMatchObject({
    kind: 'canceled',
    message: expect.stringContaining('was closed'),
  });
});

test.each([
  ['before a message', Buffer.alloc(0)],
  ['within a message', Buffer.from([0, 0, 0, 0, 9, 1, 2])],
  ['between messages', Buffer.from([0, 0, 0, 0, 2, 8, 1])],
])('an answer that ends early with its connection, %s, is not whole', async (_, bytes) => {
  await using dir = await tempDir();
  const path = join(dir.path, 'front.sock');
  const server = createHttp2Server();
  server.on('stream', (stream) => {
    stream.on('error', () => undefined);
    stream.respond({ ':status': 200, 'content-type': 'application/grpc+proto' }, { waitForTrailers: true });
    stream.write(bytes, () => setTimeout(() => stream.session?.destroy(), 20));
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  await using transport = unixTransport(path);
  const health = rpcClient(Health, transport);
  await expect(Array.fromAsync(health.watch({}))).rejects.toMatchObject(LOST);
  await expect(health.check({})).rejects.toMatchObject(LOST);
  await new Promise((resolve) => server.close(resolve));
});

test.each([
  [
    'the stream ends without an error',
    (stream: ServerHttp2Stream) => stream.close(constants.NGHTTP2_NO_ERROR),
  ],
  ['the stream is refused', (stream: ServerHttp2Stream) => stream.close(constants.NGHTTP2_REFUSED_STREAM)],
  ['the connection ends', (stream: ServerHttp2Stream) => stream.session?.destroy()],
  [
    'the connection is closed and then ends',
    ({ session }: ServerHttp2Stream) => {
      session?.goaway(constants.NGHTTP2_NO_ERROR);
      setImmediate(() => session?.destroy());
    },
  ],
])('a call that gets no answer is unavailable, and not waited for: %s', async (_, end) => {
  await using dir = await tempDir();
  const path = join(dir.path, 'front.sock');
  const server = createHttp2Server();
  server.on('sessionError', () => undefined);
  server.on('stream', (stream) => {
    stream.on('error', () => undefined);
    stream.resume();
    setTimeout(() => end(stream), 5);
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  await using transport = unixTransport(path);
  const health = rpcClient(Health, transport);
  const refused = { kind: 'unavailable', message: expect.stringContaining(`call to ${path}: `) };
  await expect(health.check({})).rejects.toMatchObject(refused);
  await expect(Array.fromAsync(health.watch({}))).rejects.toMatchObject(refused);
  await new Promise((resolve) => server.close(resolve));
});
