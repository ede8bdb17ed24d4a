import { describe, expect, test } from '@jest/globals';
import { DataSchema, ProgressSchema, WindowUpdateSchema } from '@stowage/api/types/transfer';
import { Fault } from '@stowage/core';
import { packMessage, unpackMessage } from '@stowage/rpc';
import type { Stream } from '@stowage/streaming';
import { MAX_DATA_BYTES, receiveBytes, sendBytes, WINDOW_BYTES } from '@stowage/streaming/bytes';
import { localStreams } from '@stowage/streaming/local';
import { ways } from './ways.ts';

const scope = { namespace: 'n' };

async function* pieces(...sizes: number[]): AsyncGenerator<Uint8Array> {
  for (const [i, size] of sizes.entries()) yield new Uint8Array(size).fill(i + 1);
}

async function collect(bytes: AsyncIterable<Uint8Array>): Promise<Buffer> {
  return Buffer.concat(await Array.fromAsync(bytes));
}

const data = (length: number) => packMessage(DataSchema, { data: new Uint8Array(length) });
const grant = (update: number) => packMessage(WindowUpdateSchema, { update });

async function pair(): Promise<[Stream, Stream]> {
  const manager = localStreams()(scope);
  return [await manager.open('s'), manager.take('s')];
}

describe.each(ways)('bytes %s', (_, reach) => {
  test.each(['to the daemon', 'from the daemon'])(
    'arrive as they were sent, of any length: %s',
    async (direction) => {
      await using at = await reach();
      await using here = await at.streams(scope).open('s');
      await using there = at.manager(scope).take('s');
      const [from, to] = direction === 'to the daemon' ? [here, there] : [there, here];
      const sizes = [1, 0, MAX_DATA_BYTES, MAX_DATA_BYTES + 1, 3 * WINDOW_BYTES, 1_000_000];
      const [got] = await Promise.all([collect(receiveBytes(to)), sendBytes(from, pieces(...sizes))]);
      expect(got.equals(await collect(pieces(...sizes)))).toBe(true);
    },
  );

  test('none at all is an end like any other', async () => {
    await using at = await reach();
    await using here = await at.streams(scope).open('s');
    await using there = at.manager(scope).take('s');
    const [got] = await Promise.all([collect(receiveBytes(there)), sendBytes(here, pieces())]);
    expect(got.byteLength).toBe(0);
  });

  test('a sender that breaks off is a failure for who reads', async () => {
    await using at = await reach();
    await using here = await at.streams(scope).open('s');
    await using there = at.manager(scope).take('s');
    const broken = (async function* () {
      yield* pieces(100);
      throw new Fault('data_loss', 'read x: the disk is broken');
    })();
    const sending = expect(sendBytes(there, broken)).rejects.toMatchObject({ kind: 'data_loss' });
    await expect(collect(receiveBytes(here))).rejects.toMatchObject({
      kind: 'data_loss',
      message: 'read x: the disk is broken',
    });
    await sending;
  });

  test('a client that goes away in the middle has not sent the whole', async () => {
    await using at = await reach();
    const here = await at.streams(scope).open('s');
    await using there = at.manager(scope).take('s');
    const receiving = expect(collect(receiveBytes(there))).rejects.toMatchObject({ kind: 'canceled' });
    await here.receive();
    await here.send(data(100));
    await here[Symbol.asyncDispose]();
    await receiving;
  });
});

test('a receiver grants 64 KiB, and more only as it takes them', async () => {
  const [here, there] = await pair();
  const bytes = receiveBytes(there);
  const first = bytes.next();
  const granted = await here.receive();
  expect(granted && unpackMessage(WindowUpdateSchema, granted).update).toBe(WINDOW_BYTES);
  await here.send(data(MAX_DATA_BYTES));
  await here.send(data(MAX_DATA_BYTES));
  await first;
  const silent = await Promise.race([
    here.receive({ signal: AbortSignal.timeout(50) }).catch(() => 'nothing'),
  ]);
  expect(silent).toBe('nothing');
  await bytes.next();
  const more = await here.receive();
  expect(more && unpackMessage(WindowUpdateSchema, more).update).toBe(MAX_DATA_BYTES);
});

test('a sender sends no more than was granted, in pieces of 32 KiB', async () => {
  const [here, there] = await pair();
  const sending = sendBytes(there, pieces(100_000));
  await here.send(grant(40_000));
  const sizes = [];
  for (let sum = 0; sum < 40_000; ) {
    const message = await here.receive();
    if (message === undefined) throw new Error('it ended');
    const { byteLength } = unpackMessage(DataSchema, message).data;
    sizes.push(byteLength);
    sum += byteLength;
  }
  expect(sizes).toEqual([MAX_DATA_BYTES, 40_000 - MAX_DATA_BYTES]);
  await expect(here.receive({ signal: AbortSignal.timeout(50) })).rejects.toMatchObject({
    name: 'TimeoutError',
  });
  for (let i = 0; i < 60; i++) await here.send(grant(1000));
  expect((await collect(restOf(here))).byteLength).toBe(60_000);
  await sending;
});

async function* restOf(stream: Stream): AsyncGenerator<Uint8Array> {
  for (;;) {
    const message = await stream.receive();
    if (message === undefined) return;
    yield unpackMessage(DataSchema, message).data;
  }
}

test('data beyond what was granted ends the stream with an error', async () => {
  const [here, there] = await pair();
  const receiving = collect(receiveBytes(there));
  await here.send(data(WINDOW_BYTES + 1));
  await expect(receiving).rejects.toMatchObject({
    kind: 'failed_precondition',
    message: expect.stringContaining(`${WINDOW_BYTES + 1} bytes came, and ${WINDOW_BYTES} were granted`),
  });
  await expect(here.send(data(1))).rejects.toMatchObject({ kind: 'failed_precondition' });
});

test.each([0, -1, -(2 ** 31)])('a grant of %d ends the stream with an error', async (update) => {
  const [here, there] = await pair();
  const sending = sendBytes(there, pieces(10));
  await here.send(grant(update));
  await expect(sending).rejects.toMatchObject({ kind: 'failed_precondition' });
});

test('grants beyond what a window can be end the stream with an error', async () => {
  const [here, there] = await pair();
  const never = (async function* (): AsyncGenerator<Uint8Array> {
    yield* pieces(1);
    await new Promise((resolve) => setTimeout(resolve, 200));
    yield* pieces(1);
  })();
  const sending = expect(sendBytes(there, never)).rejects.toMatchObject({ kind: 'failed_precondition' });
  await here.send(grant(2 ** 31 - 1));
  await here.send(grant(2 ** 31 - 1));
  await sending;
});

test('a receiver that closes before it has all is a failure for who sends', async () => {
  const [here, there] = await pair();
  const sending = sendBytes(there, pieces(100));
  await here.close();
  await expect(sending).rejects.toMatchObject({ kind: 'unavailable' });
});

test.each([
  ['data', async (stream: Stream) => collect(receiveBytes(stream))],
  ['a grant', async (stream: Stream) => sendBytes(stream, pieces(10))],
])('another message than %s ends the stream with an error', async (_, use) => {
  const [here, there] = await pair();
  const using = use(there);
  await here.send(packMessage(ProgressSchema, { event: 'x' }));
  await expect(using).rejects.toMatchObject({
    kind: 'invalid_argument',
    message: expect.stringContaining('Progress'),
  });
});

test('leaving the loop early tells the sender', async () => {
  const [here, there] = await pair();
  const sending = sendBytes(here, pieces(10_000_000));
  for await (const _ of receiveBytes(there)) break;
  await expect(sending).rejects.toMatchObject({ kind: 'canceled' });
});
