import { create } from '@bufbuild/protobuf';
import { type Any, AnySchema } from '@bufbuild/protobuf/wkt';
import { expect, test } from '@jest/globals';
import { StreamInitSchema, Streaming } from '@stowage/api/streaming/v1';
import { Fault } from '@stowage/core';
import { anyOf, packMessage, rpcClient } from '@stowage/rpc';
import { memoryTransport } from '@stowage/rpc/transport';
import { localStreams } from '@stowage/streaming/local';
import { streamingRoutes } from '@stowage/streaming/service';
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
