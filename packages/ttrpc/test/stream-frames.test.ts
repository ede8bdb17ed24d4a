import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { type Any, AnySchema } from '@bufbuild/protobuf/wkt';
import { expect, test } from '@jest/globals';
import { Streaming } from '@stowage/api/streaming/v1';
import { RequestSchema, ResponseSchema } from '@stowage/api/ttrpc';
import { Version } from '@stowage/api/version/v1';
import { Fault } from '@stowage/core';
import { rpcClient, serviceRoutes } from '@stowage/rpc';
import { encodeFrame, FrameReader, MAX_MESSAGE_BYTES } from '../src/frame.ts';
import { ttrpcTransport } from '../src/index.ts';
import { serve } from './fixture.ts';

// Against frames as PROTOCOL.md 1.2 draws them and containerd/ttrpc v1.2 sends them, byte by byte.

const [REQUEST, RESPONSE, DATA] = [0x01, 0x02, 0x03];
const [REMOTE_CLOSED, REMOTE_OPEN, NO_DATA] = [0x01, 0x02, 0x04];
const NONE = new Uint8Array();

const any = (typeUrl: string) => toBinary(AnySchema, create(AnySchema, { typeUrl }));
const request = (id: number, flags: number, payload = NONE) => {
  const init = { service: Streaming.typeName, method: 'Stream', payload };
  return encodeFrame(id, REQUEST, flags, toBinary(RequestSchema, create(RequestSchema, init)));
};
const data = (id: number, flags: number, payload: Uint8Array = NONE) => encodeFrame(id, DATA, flags, payload);
const status = (id: number, code: number, message = '') =>
  encodeFrame(
    id,
    RESPONSE,
    0,
    toBinary(ResponseSchema, create(ResponseSchema, { status: { code, message } })),
  );

/** What came in one line: `id type flags` and the message, or the status. */
function told(reader: FrameReader, chunk: Uint8Array): string[] {
  return [...reader.push(chunk)].map(({ streamId, type, flags, data = NONE }) => {
    const head = `${streamId} ${type} ${flags}`;
    if (type === RESPONSE) return `${head} code ${fromBinary(ResponseSchema, data).status?.code}`;
    if (type === REQUEST) return `${head} ${fromBinary(RequestSchema, data).method}`;
    return data.length === 0 ? head : `${head} ${fromBinary(AnySchema, data).typeUrl}`;
  });
}

/** A peer that speaks in frames. */
function peer(socket: Socket) {
  const reader = new FrameReader();
  const frames: string[] = [];
  socket.on('error', () => {});
  socket.on('data', (chunk) => frames.push(...told(reader, chunk)));
  return {
    frames,
    send: (...parts: Uint8Array[]) => socket.write(Buffer.concat(parts)),
    async saw(count: number) {
      while (frames.length < count) await delay(5);
      await delay(20); // nothing more
      return frames;
    },
    [Symbol.dispose]: () => void socket.destroy(),
  };
}

const shout = serviceRoutes(Streaming, {
  async *stream(messages) {
    for await (const { typeUrl } of messages) {
      if (typeUrl === 'fail') throw new Fault('not_found', 'no');
      yield create(AnySchema, { typeUrl: typeUrl.toUpperCase() });
    }
  },
});
const version = serviceRoutes(Version, { version: () => ({ version: '1' }) });

test('server: a stream both ways, as the specification draws it', async () => {
  await using s = await serve([shout]);
  using client = peer(connect(s.path));
  client.send(request(1, REMOTE_OPEN), data(1, 0, any('a')));
  expect(await client.saw(1)).toEqual(['1 3 0 A']);
  client.send(data(1, 0, any('b')), data(1, REMOTE_CLOSED | NO_DATA));
  expect(await client.saw(3)).toEqual(['1 3 0 A', '1 3 0 B', `1 3 ${REMOTE_CLOSED | NO_DATA}`]);
});

test.each([
  ['a last message may close', [request(1, REMOTE_OPEN), data(1, REMOTE_CLOSED, any('a'))], ['1 3 0 A']],
  [
    'a request may bring the first',
    [request(1, REMOTE_OPEN, any('a')), data(1, REMOTE_CLOSED | NO_DATA)],
    ['1 3 0 A'],
  ],
  ['a request may be all there is', [request(1, REMOTE_CLOSED, any('a'))], ['1 3 0 A']],
  ['a request without flags is closed', [request(1, 0, any('a'))], ['1 3 0 A']],
  ['a message may be empty', [request(1, REMOTE_OPEN), data(1, REMOTE_CLOSED)], ['1 3 0']],
])('server: %s', async (_, sent, expected) => {
  await using s = await serve([shout]);
  using client = peer(connect(s.path));
  client.send(...sent);
  expect(await client.saw(2)).toEqual([...expected, `1 3 ${REMOTE_CLOSED | NO_DATA}`]);
});

test('server: an error is a response, and ends the stream; what is still sent in it is passed over', async () => {
  await using s = await serve([shout]);
  using client = peer(connect(s.path));
  client.send(request(1, REMOTE_OPEN), data(1, 0, any('fail')), data(1, 0, any('x')));
  expect(await client.saw(1)).toEqual(['1 2 0 code 5']);
  client.send(data(1, 0, any('y')), data(1, REMOTE_CLOSED | NO_DATA), request(3, REMOTE_CLOSED, any('a')));
  expect(await client.saw(3)).toEqual(['1 2 0 code 5', '3 3 0 A', `3 3 ${REMOTE_CLOSED | NO_DATA}`]);
});

test('server: what does not follow the protocol ends its own stream, and no other', async () => {
  const ended: string[] = [];
  const routes = serviceRoutes(Streaming, {
    async *stream(messages, { signal }) {
      let name = '';
      try {
        for await (const { typeUrl } of messages) {
          name = typeUrl;
          yield create(AnySchema, { typeUrl });
        }
        if (name !== 'calm') await new Promise((_settle, fail) => signal.addEventListener('abort', fail));
      } finally {
        ended.push(name);
      }
    },
  });
  await using s = await serve([routes]);
  using client = peer(connect(s.path));
  client.send(request(1, REMOTE_OPEN), data(1, 0, any('calm')));
  client.send(request(3, REMOTE_OPEN), data(3, 0, any('closed')), data(3, REMOTE_CLOSED | NO_DATA));
  client.send(request(5, REMOTE_OPEN), data(5, 0, any('long')));
  await client.saw(3);
  client.send(
    data(3, 0, any('more')), // after its end
    data(5, 0, new Uint8Array(MAX_MESSAGE_BYTES + 1)),
    data(4, 0, any('even')),
    data(7, 0, any('never opened')),
    encodeFrame(1, 0x7f, 0xff, any('unknown type')),
    request(3, REMOTE_OPEN), // again
    data(1, 0, any('calm')),
    data(1, REMOTE_CLOSED | NO_DATA),
  );
  const frames = (await client.saw(10)).slice(3);
  expect(new Set(frames)).toEqual(
    new Set([
      '3 2 0 code 3',
      '5 2 0 code 8',
      '4 2 0 code 3',
      '7 2 0 code 3',
      '1 3 0 calm',
      `1 3 ${REMOTE_CLOSED | NO_DATA}`,
    ]),
  );
  while (ended.length < 3) await delay(5);
});

test('server: a stream for a unary method is passed over, and the call answered once', async () => {
  await using s = await serve([version]);
  using client = peer(connect(s.path));
  const init = { service: Version.typeName, method: 'Version' };
  const opening = encodeFrame(1, REQUEST, REMOTE_OPEN, toBinary(RequestSchema, create(RequestSchema, init)));
  client.send(opening, data(1, 0, any('x')), data(1, REMOTE_CLOSED | NO_DATA));
  expect(await client.saw(1)).toEqual(['1 2 0 code 0']);
});

/** A server that is told what to say, and a client of ours. */
async function scripted(script: (server: ReturnType<typeof peer>) => Promise<void>) {
  await using s = await serve([]);
  const path = join(s.dir, 'scripted');
  const servers: ReturnType<typeof peer>[] = [];
  const server = createServer((socket) => {
    const one = peer(socket);
    servers.push(one);
    void script(one);
  }).listen(path);
  await once(server, 'listening');
  await using transport = ttrpcTransport({ path });
  const messages: string[] = [];
  let outcome: unknown = 'end';
  async function* input(): AsyncGenerator<Any> {
    yield create(AnySchema, { typeUrl: 'a' });
  }
  try {
    for await (const { typeUrl } of rpcClient(Streaming, transport).stream(input())) messages.push(typeUrl);
  } catch (e) {
    outcome = (e as Fault).kind;
  }
  for (const one of servers) one[Symbol.dispose]();
  server.close();
  return { messages, outcome, frames: servers[0]?.frames };
}

test('client: asks, sends and closes as the specification draws it', async () => {
  const { frames, messages, outcome } = await scripted(async (server) => {
    await server.saw(3);
    server.send(data(1, 0, any('A')), data(1, REMOTE_CLOSED | NO_DATA));
  });
  expect(frames).toEqual([`1 1 ${REMOTE_OPEN} Stream`, '1 3 0 a', `1 3 ${REMOTE_CLOSED | NO_DATA}`]);
  expect({ messages, outcome }).toEqual({ messages: ['A'], outcome: 'end' });
});

test.each([
  ['a last message that closes', [data(1, 0, any('A')), data(1, REMOTE_CLOSED, any('B'))], ['A', 'B'], 'end'],
  ['a response after messages', [data(1, 0, any('A')), status(1, 0)], ['A'], 'end'],
  [
    'a response with a message',
    [encodeFrame(1, RESPONSE, 0, toBinary(ResponseSchema, create(ResponseSchema, { payload: any('A') })))],
    ['A'],
    'end',
  ],
  ['an error', [data(1, 0, any('A')), status(1, 5, 'no')], ['A'], 'not_found'],
  ['an error of a code that is none', [status(1, 99, 'no')], [], 'unknown'],
  ['a response that is none', [encodeFrame(1, RESPONSE, 0, Buffer.from([255]))], [], 'internal'],
  ['a message that is none', [data(1, 0, Buffer.from([255]))], [], 'internal'],
  [
    'a message that is too long',
    [data(1, 0, new Uint8Array(MAX_MESSAGE_BYTES + 1))],
    [],
    'resource_exhausted',
  ],
  [
    'more after the end',
    [data(1, 0, any('A')), data(1, REMOTE_CLOSED | NO_DATA), data(1, 0, any('B')), status(1, 5)],
    ['A'],
    'end',
  ],
  [
    'what is for nobody',
    [data(9, 0, any('x')), status(2, 5), encodeFrame(1, 0x44, 0, NONE), data(1, REMOTE_CLOSED, any('A'))],
    ['A'],
    'end',
  ],
])('client: takes %s', async (_, sent, messages, outcome) => {
  const result = await scripted(async (server) => {
    await server.saw(1);
    server.send(...sent);
  });
  expect(result).toMatchObject({ messages, outcome });
});

test('client: a stream where one answer is due is refused', async () => {
  await using s = await serve([]);
  const path = join(s.dir, 'wrong');
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.once('data', () => socket.write(data(1, 0, any('x'))));
  }).listen(path);
  await once(server, 'listening');
  await using transport = ttrpcTransport({ path });
  await expect(rpcClient(Version, transport).version({})).rejects.toMatchObject({ kind: 'internal' });
  server.close();
});
