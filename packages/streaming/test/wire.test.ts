import { connect, createServer, type Socket } from 'node:net';
import { create } from '@bufbuild/protobuf';
import { type Any, AnySchema } from '@bufbuild/protobuf/wkt';
import { expect, test } from '@jest/globals';
import { StreamInitSchema, Streaming } from '@stowage/api/streaming/v1';
import { DataSchema } from '@stowage/api/types/transfer';
import { Fault } from '@stowage/core';
import { anyOf, packMessage, rpcClient } from '@stowage/rpc';
import { memoryTransport, unixTransport } from '@stowage/rpc/transport';
import { receiveBytes } from '@stowage/streaming/bytes';
import { localStreams } from '@stowage/streaming/local';
import { remoteStreams } from '@stowage/streaming/remote';
import { streamingRoutes } from '@stowage/streaming/service';
import { RawCall } from './raw-call.ts';
import { overSocket, until } from './ways.ts';

const scope = { namespace: 'n' };

async function* saying(...messages: Any[]): AsyncGenerator<Any> {
  yield* messages;
  await new Promise(() => {});
}

function client(options?: Parameters<typeof streamingRoutes>[1]) {
  const manager = localStreams();
  const rpc = rpcClient(Streaming, memoryTransport(streamingRoutes(manager, options)), scope);
  return { manager, rpc };
}

test('the first message is answered by one Empty, without a slash in its type', async () => {
  const { rpc, manager } = client();
  const init = anyOf(packMessage(StreamInitSchema, { id: 's' }));
  for await (const answer of rpc.stream(saying(init))) {
    expect(answer).toMatchObject({ typeUrl: 'google.protobuf.Empty', value: new Uint8Array() });
    expect(manager.count()).toBe(1);
    break;
  }
  await until('it to be forgotten', () => manager.count() === 0);
});

test.each([
  [
    'of another type',
    create(AnySchema, { typeUrl: 'containerd.types.transfer.Data', value: Uint8Array.of(1) }),
  ],
  ['malformed', create(AnySchema, { typeUrl: StreamInitSchema.typeName, value: Uint8Array.of(255, 255) })],
])('a first message that is %s is refused', async (_, message) => {
  const { rpc, manager } = client();
  await expect(Array.fromAsync(rpc.stream(saying(message)))).rejects.toMatchObject({
    kind: 'invalid_argument',
  });
  expect(manager.count()).toBe(0);
});

test('a client that opens a stream and says nothing is not waited for', async () => {
  const { rpc } = client({ initTimeoutMs: 50 });
  await expect(Array.fromAsync(rpc.stream(saying()))).rejects.toMatchObject({ kind: 'deadline_exceeded' });
});

test('10,000 streams of one client are held, told apart, and gone with its connection', async () => {
  const at = await overSocket();
  const streams = at.streams(scope);
  const all = [];
  for (let i = 0; i < 10_000; i += 250) {
    all.push(...(await Promise.all(Array.from({ length: 250 }, (_, n) => streams.open(`s-${i + n}`)))));
  }
  expect(at.manager.count()).toBe(10_000);
  const last = at.manager(scope).take('s-9999');
  await last.send({ typeUrl: 'x', value: Uint8Array.of(7) });
  expect(await all[9999]?.receive()).toMatchObject({ value: Uint8Array.of(7) });
  await at[Symbol.asyncDispose]();
  await until('all to be forgotten', () => at.manager.count() === 0);
}, 120_000);

test('streams that are open when the daemon ends are told so', async () => {
  const manager = localStreams();
  const stream = await manager(scope).open('s');
  const receiving = expect(stream.receive()).rejects.toMatchObject({ kind: 'unavailable' });
  await manager[Symbol.asyncDispose]();
  await receiving;
  expect(Fault.is(await stream.send({ typeUrl: '', value: new Uint8Array() }).catch((e) => e))).toBe(true);
});

test('a client whose connection is lost in the middle has not sent the whole', async () => {
  await using at = await overSocket();
  const sockets: Socket[] = [];
  const between = createServer((client) => {
    const server = connect(at.path);
    sockets.push(client, server);
    for (const socket of [client, server]) socket.on('error', () => undefined);
    client.pipe(server).pipe(client);
  });
  const path = `${at.path}.between`;
  await new Promise<void>((resolve) => between.listen(path, resolve));
  await using transport = unixTransport(path);
  const here = await remoteStreams(transport, scope).open('s');
  const there = at.manager(scope).take('s');
  const got: number[] = [];
  const reading = (async () => {
    for await (const { byteLength } of receiveBytes(there)) got.push(byteLength);
  })();
  const failing = expect(reading).rejects.toMatchObject({ kind: 'canceled' });
  await here.receive();
  await here.send(packMessage(DataSchema, { data: new Uint8Array(100) }));
  await until('some of it to arrive', () => got.length === 1);
  for (const socket of sockets) socket.destroy();
  await failing;
  await expect(here.receive()).rejects.toMatchObject({ kind: 'unavailable' });
  await new Promise((resolve) => between.close(resolve));
});

test('a client that resets its call in the middle, as Go’s do, has not sent the whole', async () => {
  await using at = await overSocket();
  const call = new RawCall(at.path, scope.namespace);
  call.send(anyOf(packMessage(StreamInitSchema, { id: 's' })));
  await until('the stream to be open', () => at.manager.count() === 1);
  const bytes = receiveBytes(at.manager(scope).take('s'));
  call.send(anyOf(packMessage(DataSchema, { data: new Uint8Array(100) })));
  expect((await bytes.next()).value?.byteLength).toBe(100);
  const failing = expect(bytes.next()).rejects.toMatchObject({ kind: 'canceled' });
  call.reset();
  await failing;
  call.close();
});
