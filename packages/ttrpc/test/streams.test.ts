import { setTimeout as delay } from 'node:timers/promises';
import { create } from '@bufbuild/protobuf';
import type { Any } from '@bufbuild/protobuf/wkt';
import { AnySchema } from '@bufbuild/protobuf/wkt';
import { expect, test } from '@jest/globals';
import { Content, WriteAction } from '@stowage/api/content/v1';
import { Events } from '@stowage/api/events/v1';
import { Streaming } from '@stowage/api/streaming/v1';
import { Version } from '@stowage/api/version/v1';
import { Fault } from '@stowage/core';
import { rpcClient, scopeOf, serviceRoutes } from '@stowage/rpc';
import { MAX_MESSAGE_BYTES } from '../src/frame.ts';
import { serve } from './fixture.ts';

const version = serviceRoutes(Version, { version: () => ({ version: '1' }) });
const bytes = (length: number, fill = 0) => create(AnySchema, { value: new Uint8Array(length).fill(fill) });
const fill = ({ value }: Any) => value[0];

/** Answers each message with itself; tells how it ended. */
function echo() {
  const seen: { received: number; ends: unknown[] } = { received: 0, ends: [] };
  const routes = serviceRoutes(Streaming, {
    async *stream(messages) {
      try {
        for await (const message of messages) {
          seen.received++;
          yield message;
        }
        seen.ends.push('end');
      } catch (e) {
        seen.ends.push(e);
        throw e;
      }
    },
  });
  return { seen, routes };
}

/** Gives events until it is told to stop. */
function endless(size = 1) {
  const seen: { sent: number; ended: number } = { sent: 0, ended: 0 };
  const routes = serviceRoutes(Events, {
    async *subscribe({ filters }, { signal }) {
      try {
        for (;;) {
          signal.throwIfAborted();
          seen.sent++;
          yield { topic: (filters[0] ?? 'x').padEnd(size) };
          await delay(0);
        }
      } finally {
        seen.ended++;
      }
    },
  });
  return { seen, routes };
}

async function until(condition: () => boolean) {
  while (!condition()) await delay(5);
}

/** What is sent is decided by the test. */
function sender<T>() {
  const items: T[] = [];
  let wake = Promise.withResolvers<void>();
  let isEnded = false;
  const put = (change: () => void) => {
    change();
    wake.resolve();
  };
  async function* messages() {
    for (;;) {
      const item = items.shift();
      if (item !== undefined) yield item;
      else if (isEnded) return;
      else {
        await wake.promise;
        wake = Promise.withResolvers();
      }
    }
  }
  return {
    messages: messages(),
    send: (item: T) => put(() => items.push(item)),
    end: () =>
      put(() => {
        isEnded = true;
      }),
  };
}

test('a stream of the server comes in order, with the scope and the request, and ends', async () => {
  const routes = serviceRoutes(Events, {
    async *subscribe({ filters }, context) {
      for (let i = 0; i < 500; i++) {
        yield { topic: `${filters[0]} ${i}`, namespace: scopeOf(context).namespace };
      }
    },
  });
  await using s = await serve([routes]);
  const topics = [];
  for await (const { topic, namespace } of rpcClient(Events, s.transport, { namespace: 'blue' }).subscribe({
    filters: ['f'],
  })) {
    expect(namespace).toBe('blue');
    topics.push(topic);
  }
  expect(topics).toEqual(Array.from({ length: 500 }, (_, i) => `f ${i}`));
});

test('a stream both ways answers while the client still sends, and ends when the client has', async () => {
  const { seen, routes } = echo();
  await using s = await serve([routes]);
  const { messages, send, end } = sender<Any>();
  const answers = rpcClient(Streaming, s.transport).stream(messages)[Symbol.asyncIterator]();
  for (const n of [1, 2, 3]) {
    send(bytes(10, n));
    expect(fill((await answers.next()).value)).toBe(n);
  }
  send(create(AnySchema)); // a message of no bytes is one, too
  expect((await answers.next()).value.value).toHaveLength(0);
  end();
  expect((await answers.next()).done).toBe(true);
  expect(seen).toEqual({ received: 4, ends: ['end'] });
});

test('what a stream fails with comes after its messages, as a Fault', async () => {
  const routes = serviceRoutes(Events, {
    async *subscribe() {
      yield { topic: 'one' };
      throw new Fault('not_found', 'events: gone');
    },
  });
  const write = serviceRoutes(Content, {
    // biome-ignore lint/correctness/useYield: it fails before it could
    async *write(requests) {
      for await (const { action } of requests) {
        if (action === WriteAction.COMMIT) throw new Fault('already_exists', 'blob: is there');
      }
    },
  });
  await using s = await serve([routes, write]);
  const events = rpcClient(Events, s.transport).subscribe({})[Symbol.asyncIterator]();
  expect((await events.next()).value.topic).toBe('one');
  await expect(events.next()).rejects.toMatchObject({ kind: 'not_found', message: 'events: gone' });
  const { messages, send } = sender<{ action: WriteAction }>();
  send({ action: WriteAction.WRITE });
  send({ action: WriteAction.COMMIT });
  const answers = rpcClient(Content, s.transport).write(messages)[Symbol.asyncIterator]();
  await expect(answers.next()).rejects.toMatchObject({ kind: 'already_exists', message: 'blob: is there' });
});

test('many streams and calls on one connection do not mix', async () => {
  const { routes } = echo();
  await using s = await serve([routes, version]);
  const client = rpcClient(Streaming, s.transport);
  const one = async (n: number) => {
    async function* input() {
      for (let i = 0; i < 30; i++) {
        if (i % 7 === n % 7) await delay(1);
        yield bytes(1000 + n, n);
      }
    }
    let count = 0;
    for await (const { value } of client.stream(input())) {
      expect([value.length, value[0], value[999]]).toEqual([1000 + n, n, n]);
      count++;
    }
    return count;
  };
  const unary = Array.from({ length: 50 }, () => rpcClient(Version, s.transport).version({}));
  expect(await Promise.all(Array.from({ length: 50 }, (_, n) => one(n)))).toEqual(Array(50).fill(30));
  expect(await Promise.all(unary)).toHaveLength(50);
});

test('leaving a stream ends it on both sides, and calls beside it go on', async () => {
  const { seen, routes } = endless();
  await using s = await serve([routes, version]);
  const client = rpcClient(Events, s.transport);
  const other = client.subscribe({ filters: ['other'] })[Symbol.asyncIterator]();
  await other.next();
  for await (const _ of client.subscribe({})) break;
  // A call begun now has a connection of its own; those on the old one are not disturbed.
  expect((await rpcClient(Version, s.transport).version({})).version).toBe('1');
  expect((await other.next()).value.topic).toBe('other');
  await other.return?.();
  await until(() => seen.ended === 2);
});

test('giving a stream up fails with the reason at once, though nothing comes', async () => {
  const quiet: { reason?: unknown } = {};
  const routes = serviceRoutes(Events, {
    async *subscribe(_, { signal }) {
      await new Promise((_settle, fail) => {
        signal.addEventListener('abort', () => {
          quiet.reason = signal.reason;
          fail(signal.reason);
        });
      });
    },
  });
  await using s = await serve([routes]);
  const stop = new AbortController();
  const next = rpcClient(Events, s.transport)
    .subscribe({}, { signal: stop.signal })
    [Symbol.asyncIterator]()
    .next();
  next.catch(() => {});
  await delay(50);
  const reason = new Fault('aborted', 'enough');
  stop.abort(reason);
  await expect(next).rejects.toBe(reason);
  await until(() => quiet.reason !== undefined);
  expect(quiet.reason).toMatchObject({ kind: 'canceled' });
});

test('a client that gives up while it sends has not ended its stream properly', async () => {
  const { seen, routes } = echo();
  await using s = await serve([routes]);
  const { messages, send } = sender<Any>();
  send(bytes(1));
  for await (const _ of rpcClient(Streaming, s.transport).stream(messages)) break;
  await until(() => seen.ends.length === 1);
  expect(seen.ends).not.toEqual(['end']);
});

test('a deadline ends a stream on both sides', async () => {
  const { seen, routes } = endless();
  await using s = await serve([routes]);
  const all = async () => {
    for await (const _ of rpcClient(Events, s.transport).subscribe({}, { timeoutMs: 50 }));
  };
  await expect(all()).rejects.toMatchObject({ kind: 'deadline_exceeded' });
  await until(() => seen.ended === 1);
});

test('a server that ends, or goes, ends streams with unavailable, after what came', async () => {
  const { routes } = endless();
  await using closing = await serve([routes]);
  await using s = await serve([routes]);
  for (const server of [closing, s]) {
    const events = rpcClient(Events, server.transport).subscribe({})[Symbol.asyncIterator]();
    await events.next();
    if (server === closing) void server.server.close();
    else void server.server.close({ graceMs: 0 });
    const rest = async () => {
      while ((await events.next()).done !== true);
    };
    await expect(rest()).rejects.toMatchObject({ kind: 'unavailable' });
  }
});

test('messages of a stream are up to 4 MiB, either way', async () => {
  const { routes } = echo();
  await using s = await serve([routes]);
  const most = MAX_MESSAGE_BYTES - 5;
  async function* input(...sizes: number[]) {
    for (const size of sizes) yield bytes(size, 7);
  }
  const sizes = [];
  for await (const { value } of rpcClient(Streaming, s.transport).stream(input(most, 1, most))) {
    sizes.push(value.length);
  }
  expect(sizes).toEqual([most, 1, most]);
  const tooLong = rpcClient(Streaming, s.transport)
    .stream(input(1, MAX_MESSAGE_BYTES))
    [Symbol.asyncIterator]();
  const rest = async () => {
    while ((await tooLong.next()).done !== true);
  };
  await expect(rest()).rejects.toMatchObject({ kind: 'resource_exhausted' });
});

test('a stream that is not read makes its server wait, and then brings everything', async () => {
  const size = 64 * 1024;
  const { seen, routes } = endless(size);
  await using s = await serve([routes]);
  const events = rpcClient(Events, s.transport).subscribe({})[Symbol.asyncIterator]();
  await events.next();
  let last = -1;
  while (last !== seen.sent) {
    last = seen.sent;
    await delay(300);
  }
  // What is kept here and there, and by the kernel: not more than a few MiB.
  expect(seen.sent * size).toBeLessThan(8 * 1024 * 1024);
  const sent = seen.sent;
  for (let i = 0; i < sent + 50; i++) expect((await events.next()).done).toBe(false);
  await events.return?.();
  await until(() => seen.ended === 1);
});

test('a method that does not read makes its client wait, and then takes everything', async () => {
  const read = Promise.withResolvers<void>();
  let taken = 0;
  const routes = serviceRoutes(Streaming, {
    async *stream(messages) {
      await read.promise;
      for await (const { value } of messages) taken += value.length;
      yield create(AnySchema);
    },
  });
  await using s = await serve([routes]);
  const size = 256 * 1024;
  let sent = 0;
  async function* input() {
    for (; sent < 200; sent++) yield bytes(size);
  }
  const answers = rpcClient(Streaming, s.transport).stream(input())[Symbol.asyncIterator]();
  const answer = answers.next();
  let last = -1;
  while (last !== sent) {
    last = sent;
    await delay(300);
  }
  expect(sent * size).toBeLessThan(16 * 1024 * 1024);
  read.resolve();
  expect((await answer).done).toBe(false);
  expect(taken).toBe(200 * size);
  expect((await answers.next()).done).toBe(true);
});
