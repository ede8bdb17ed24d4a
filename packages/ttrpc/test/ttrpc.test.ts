import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { expect, test } from '@jest/globals';
import { Events as GrpcEvents } from '@stowage/api/events/v1';
import { Tasks } from '@stowage/api/tasks/v1';
import { RequestSchema, ResponseSchema } from '@stowage/api/ttrpc';
import { Version } from '@stowage/api/version/v1';
import { Fault } from '@stowage/core';
import { rpcClient, scopeOf, serviceRoutes } from '@stowage/rpc';
import { encodeFrame, FRAME, FrameReader, MAX_MESSAGE_BYTES } from '../src/frame.ts';
import { ttrpcTransport } from '../src/index.ts';
import { serve } from './fixture.ts';

const scope = { namespace: 'blue', lease: 'l1' };
const version = serviceRoutes(Version, {
  version: (_, context) => ({ version: scopeOf(context).namespace, revision: scopeOf(context).lease ?? '' }),
});
/** Metrics carries text both ways. */
const echo = serviceRoutes(Tasks, { metrics: ({ filters }) => ({ metrics: filters.map((id) => ({ id })) }) });
function hold() {
  const seen: { calls: number; ended: unknown[] } = { calls: 0, ended: [] };
  const routes = serviceRoutes(Tasks, {
    wait: (_, { signal }) =>
      new Promise((_settle, fail) => {
        seen.calls++;
        signal.addEventListener('abort', () => {
          seen.ended.push(signal.reason);
          fail(signal.reason);
        });
      }),
  });
  return { seen, routes };
}
async function until(condition: () => boolean) {
  while (!condition()) await delay(5);
}

test('a call carries its message and its scope, and brings an answer or a Fault', async () => {
  const failing = serviceRoutes(Tasks, {
    get() {
      throw new Fault('not_found', 'task "ü\n": not found');
    },
    kill() {
      throw new Fault('not_modified', 'task x: no change');
    },
    pause() {
      throw new Error('secret');
    },
  });
  await using s = await serve([version, failing]);
  expect(await rpcClient(Version, s.transport, scope).version({})).toMatchObject({
    version: 'blue',
    revision: 'l1',
  });
  const tasks = rpcClient(Tasks, s.transport, scope);
  await expect(tasks.get({})).rejects.toMatchObject({ kind: 'not_found', message: 'task "ü\n": not found' });
  await expect(tasks.kill({})).rejects.toMatchObject({ kind: 'not_modified', message: 'task x: no change' });
  await expect(tasks.pause({})).rejects.toMatchObject({ kind: 'internal', message: 'internal error' });
});

test('what is not there answers unimplemented with its own name', async () => {
  await using s = await serve([serviceRoutes(Version, {}), serviceRoutes(GrpcEvents, {})]);
  const name = 'containerd.services.version.v1.Version.Version';
  await expect(rpcClient(Version, s.transport).version({})).rejects.toMatchObject({
    kind: 'unimplemented',
    message: `${name} is not implemented`,
  });
  await expect(rpcClient(Tasks, s.transport).get({})).rejects.toMatchObject({
    kind: 'unimplemented',
    message: 'unknown service containerd.services.tasks.v1.Tasks',
  });
  const stream = rpcClient(GrpcEvents, s.transport).subscribe({})[Symbol.asyncIterator]();
  await expect(stream.next()).rejects.toMatchObject({ kind: 'unimplemented', message: /Events.Subscribe/ });
});

test('headers of an answer arrive, where both ends are ours', async () => {
  const routes = serviceRoutes(Version, {
    version(_, { responseHeader }) {
      responseHeader.set('stowage-seq', '7');
      return {};
    },
  });
  await using s = await serve([routes]);
  const headers: Headers[] = [];
  await rpcClient(Version, s.transport).version({}, { onHeader: (header) => headers.push(header) });
  expect([...(headers[0] ?? [])]).toEqual([['stowage-seq', '7']]);
});

test('a hundred calls at once get each its own answer', async () => {
  const slow = serviceRoutes(Tasks, {
    async metrics({ filters }) {
      await delay(Math.random() * 20);
      return { metrics: filters.map((id) => ({ id })) };
    },
  });
  await using s = await serve([slow]);
  const tasks = rpcClient(Tasks, s.transport);
  const ids = Array.from({ length: 100 }, (_, i) => `id-${i}`);
  const answers = await Promise.all(ids.map((id) => tasks.metrics({ filters: [id] })));
  expect(answers.map((a) => a.metrics[0]?.id)).toEqual(ids);
});

test('giving up fails with the reason at once; the connection lives on', async () => {
  const { seen, routes } = hold();
  await using s = await serve([routes, version]);
  const stop = new AbortController();
  const call = rpcClient(Tasks, s.transport).wait({}, { signal: stop.signal });
  call.catch(() => {});
  await until(() => seen.calls === 1);
  const reason = new Fault('aborted', 'enough');
  stop.abort(reason);
  await expect(call).rejects.toBe(reason);
  expect((await rpcClient(Version, s.transport, scope).version({})).version).toBe('blue');
  await s.transport[Symbol.asyncDispose]();
  await until(() => seen.ended.length === 1);
});

test('a server of ours is told what is given up, where the client says that it can be', async () => {
  const { seen, routes } = hold();
  await using s = await serve([routes, version]);
  await using transport = ttrpcTransport({ path: s.path, canCancel: true });
  const stop = new AbortController();
  const call = rpcClient(Tasks, transport).wait({}, { signal: stop.signal });
  call.catch(() => {});
  await until(() => seen.calls === 1);
  stop.abort(new Fault('aborted', 'enough'));
  await expect(call).rejects.toMatchObject({ kind: 'aborted' });
  await until(() => seen.ended.length === 1);
  expect((await rpcClient(Version, transport, scope).version({})).version).toBe('blue');
});

test('a deadline ends the call on both sides', async () => {
  const { seen, routes } = hold();
  await using s = await serve([routes]);
  const call = rpcClient(Tasks, s.transport).wait({}, { timeoutMs: 50 });
  await expect(call).rejects.toMatchObject({ kind: 'deadline_exceeded' });
  await until(() => seen.ended.length === 1);
});

test('messages up to 4 MiB pass, longer ones do not, either way', async () => {
  const long = (bytes: number) => ({ filters: ['x'.repeat(bytes)] });
  const reply = serviceRoutes(Tasks, {
    metrics: ({ filters }) => ({ metrics: [{ id: 'x'.repeat(Number(filters[0])) }] }),
  });
  await using up = await serve([echo]);
  await using down = await serve([reply]);
  const tasks = rpcClient(Tasks, up.transport);
  const most = MAX_MESSAGE_BYTES - 200;
  expect((await tasks.metrics(long(most))).metrics[0]?.id).toHaveLength(most);
  const exhausted = { kind: 'resource_exhausted' };
  await expect(tasks.metrics(long(MAX_MESSAGE_BYTES))).rejects.toMatchObject(exhausted);
  const asked = rpcClient(Tasks, down.transport).metrics({ filters: [String(MAX_MESSAGE_BYTES)] });
  await expect(asked).rejects.toMatchObject(exhausted);
});

test('a transport finds a server that was started again, and tells where nobody answers', async () => {
  await using s = await serve([version]);
  const client = rpcClient(Version, s.transport, scope);
  await client.version({});
  await s.server.close();
  await expect(client.version({})).rejects.toMatchObject({
    kind: 'unavailable',
    message: expect.stringContaining(s.path),
  });
  await using _server = await import('../src/index.ts').then(({ serveTtrpc }) =>
    serveTtrpc({ path: s.path, routes: [version] }),
  );
  expect((await client.version({})).version).toBe('blue');
});

test('closing a transport ends a call that has not connected yet', async () => {
  await using s = await serve([version]);
  const call = rpcClient(Version, s.transport).version({});
  call.catch(() => {});
  await s.transport[Symbol.asyncDispose]();
  await expect(call).rejects.toMatchObject({ kind: 'canceled' });
});

test('closing tells open calls and ends', async () => {
  const { seen, routes } = hold();
  await using s = await serve([routes]);
  const call = rpcClient(Tasks, s.transport).wait({});
  call.catch(() => {});
  await until(() => seen.calls === 1);
  await s.server.close();
  await expect(call).rejects.toMatchObject({ kind: 'unavailable', message: 'the server is shutting down' });
});

test('a peer that goes ends the calls on either side', async () => {
  const { seen, routes } = hold();
  await using s = await serve([routes]);
  const socket = connect(s.path);
  const request = create(RequestSchema, { service: Tasks.typeName, method: 'Wait' });
  socket.write(encodeFrame(1, FRAME.request, 0, toBinary(RequestSchema, request)));
  await until(() => seen.calls === 1);
  socket.destroy();
  await until(() => seen.ended.length === 1);

  const path = join(s.dir, 'dropper');
  const dropper = createServer((peer) => peer.on('data', () => peer.destroy()).on('error', () => {})).listen(
    path,
  );
  await once(dropper, 'listening');
  await using transport = ttrpcTransport({ path });
  await expect(rpcClient(Version, transport).version({})).rejects.toMatchObject({ kind: 'unavailable' });
  dropper.close();

  const babbler = createServer((peer) =>
    peer.on('error', () => {}).end('HTTP/1.1 400 Bad Request\r\n\r\n'),
  ).listen(path);
  await once(babbler, 'listening');
  await expect(rpcClient(Version, transport).version({})).rejects.toMatchObject({
    kind: 'internal',
    message: expect.stringContaining('does not speak ttrpc'),
  });
  babbler.close();
});

/** A server that has not answered for so long has nothing more to say, on a busy machine too. */
const IDLE_MS = 500;

/** Sends frames and collects `[stream id, status code]` of what comes back until the server closes or is idle. */
async function raw(path: string, ...bytes: readonly Uint8Array[]) {
  const socket = connect(path);
  const reader = new FrameReader();
  const answers: Array<[number, number | undefined]> = [];
  socket.on('error', () => {});
  let heardMs = performance.now();
  socket.on('data', (chunk) => {
    heardMs = performance.now();
    for (const { streamId, data } of reader.push(chunk)) {
      answers.push([streamId, fromBinary(ResponseSchema, data ?? new Uint8Array()).status?.code]);
    }
  });
  for (const part of bytes) socket.write(part);
  let closed = false;
  socket.on('close', () => {
    closed = true;
  });
  while (!closed && performance.now() - heardMs < IDLE_MS) await delay(20);
  socket.destroy();
  return { answers, closed };
}
const request = (id: number, init = { service: Version.typeName, method: 'Version' }) =>
  encodeFrame(id, FRAME.request, 0, toBinary(RequestSchema, create(RequestSchema, init)));

test('what does not follow the protocol is told so, and the next request is served', async () => {
  await using s = await serve([version]);
  const { answers, closed } = await raw(
    s.path,
    request(2), // even
    request(3),
    request(3), // again
    request(1), // going down
    encodeFrame(5, FRAME.data, 1, new Uint8Array()), // of no stream
    encodeFrame(7, FRAME.request, 0, new Uint8Array([255])),
    encodeFrame(9, 77, 0, new Uint8Array()), // of a later version: passed over
    encodeFrame(11, FRAME.request, 0, new Uint8Array(MAX_MESSAGE_BYTES + 1)),
    request(13, { service: '../x', method: '/' }),
    request(15),
  );
  expect(closed).toBe(false);
  expect(new Map(answers)).toEqual(
    new Map([
      [2, 3],
      [3, 0],
      [1, 3],
      [5, 3],
      [7, 3],
      [11, 8],
      [13, 12],
      [15, 0],
    ]),
  );
  expect(
    answers
      .filter(([id]) => id === 3)
      .map(([, code]) => code)
      .sort(),
  ).toEqual([0, 3]);
});

test.each([
  ['HTTP', Buffer.from('GET / HTTP/1.1\r\nhost: x\r\n\r\n')],
  ['HTTP/2', Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')],
  ['all ones', Buffer.alloc(100, 255)],
])('bytes that are no ttrpc close the connection (%s)', async (_, bytes) => {
  await using s = await serve([version]);
  const { answers, closed } = await raw(s.path, bytes);
  expect(closed).toBe(true);
  expect(answers.map(([, code]) => code)).toEqual([8]);
  expect((await rpcClient(Version, s.transport, scope).version({})).version).toBe('blue');
});

test('half a frame waits, and goes with its connection', async () => {
  await using s = await serve([version]);
  expect(await raw(s.path, request(1).subarray(0, 15))).toEqual({ answers: [], closed: false });
  expect((await raw(s.path, request(1).subarray(0, 15), request(1).subarray(15))).answers).toEqual([[1, 0]]);
});

test('a client that does not read is not read from', async () => {
  let calls = 0;
  const routes = serviceRoutes(Tasks, {
    metrics: () => {
      calls++;
      return { metrics: [{ id: 'x'.repeat(1024 * 1024) }] };
    },
  });
  await using s = await serve([routes, version]);
  const socket = connect(s.path);
  const one = (id: number) => request(id, { service: Tasks.typeName, method: 'Metrics' });
  const wave = (from: number) => {
    for (let i = 0; i < 50; i++) socket.write(one(from + 2 * i));
  };
  for (let i = 0; i < 8; i++) {
    wave(1 + 100 * i);
    await delay(10);
  }
  await delay(200);
  expect(calls).toBeLessThan(200);
  let bytes = 0;
  socket.on('data', (chunk) => {
    bytes += chunk.length;
  });
  await until(() => bytes > 400 * 1024 * 1024);
  expect(calls).toBe(400);
  socket.destroy();
});
