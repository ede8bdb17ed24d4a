import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { createClient } from '@connectrpc/connect';
import { expect, test } from '@jest/globals';
import { Events as EventsService } from '@stowage/api/events/v1';
import { Events as TtrpcEventsService } from '@stowage/api/ttrpc/events/v1';
import type { Envelope } from '@stowage/events';
import { Exchange } from '@stowage/events/exchange';
import { remoteEvents } from '@stowage/events/remote';
import { eventsRoutes, eventsTtrpcRoutes } from '@stowage/events/service';
import { rpcClient } from '@stowage/rpc';
import { listen } from '@stowage/rpc/server';
import { memoryTransport, unixTransport } from '@stowage/rpc/transport';

const event = { typeUrl: 'acme.Thing', value: Uint8Array.of(1, 2) };

async function onSocket(exchange: Exchange) {
  const dir = await mkdtemp(path.join(tmpdir(), 'events-'));
  const address = { path: path.join(dir, 's') };
  const server = await listen({ address, routes: [eventsRoutes(exchange), eventsTtrpcRoutes(exchange)] });
  const transport = unixTransport(address.path);
  const dispose = async () => {
    await transport[Symbol.asyncDispose]();
    await server[Symbol.asyncDispose]();
    await rm(dir, { recursive: true });
  };
  return { transport, [Symbol.asyncDispose]: dispose };
}

/** Publishes until the subscription, which is set up over there, has caught one. No publish is under way then. */
async function firstHeard(
  subscription: AsyncIterable<Envelope>,
  publish: () => Promise<void>,
): Promise<Envelope> {
  let isSettled = false;
  const settled = () => {
    isSettled = true;
  };
  const heard = first(subscription);
  heard.then(settled, settled);
  while (!isSettled) {
    await publish();
    await setTimeout(20);
  }
  return heard;
}

async function first(subscription: AsyncIterable<Envelope>): Promise<Envelope> {
  for await (const envelope of subscription) return envelope;
  throw new Error('the subscription ended');
}

test('publish and subscribe over a socket', async () => {
  const exchange = new Exchange();
  await using at = await onSocket(exchange);
  const events = remoteEvents(at.transport);
  const heard = await firstHeard(events.subscribe(['namespace==n']), () =>
    events.publish('n', '/a/b', event),
  );
  expect(heard).toMatchObject({ namespace: 'n', topic: '/a/b' });
  expect(heard.event.typeUrl).toBe('acme.Thing');
  expect([...heard.event.value]).toEqual([1, 2]);
});

test('forward over Connect and over the service of the shims', async () => {
  const exchange = new Exchange();
  const transport = memoryTransport([eventsRoutes(exchange), eventsTtrpcRoutes(exchange)]);
  const envelope = { timestamp: new Date(1_700_000_000_123), namespace: 'n', topic: '/tasks/exit', event };
  const subscription = exchange.subscribe();
  let next = subscription.next();
  await remoteEvents(transport).forward(envelope);
  expect((await next).value).toEqual(envelope);

  next = subscription.next();
  const shim = rpcClient(TtrpcEventsService, transport);
  const timestamp = { seconds: 1n, nanos: 0 };
  await shim.forward({ envelope: { namespace: 'n', topic: '/tasks/exit', timestamp, event } });
  expect((await next).value).toMatchObject({ timestamp: new Date(1000) });
  await expect(shim.forward({})).rejects.toMatchObject({ kind: 'invalid_argument' });
  await expect(shim.forward({ envelope: { namespace: 'n', topic: '/t', event } })).rejects.toMatchObject({
    kind: 'invalid_argument',
  });
});

test('publish without a namespace header is failed_precondition', async () => {
  const rpc = rpcClient(EventsService, memoryTransport(eventsRoutes(new Exchange())));
  await expect(rpc.publish({ topic: '/t', event })).rejects.toMatchObject({
    kind: 'failed_precondition',
    message: expect.stringContaining('namespace is required'),
  });
});

test('whoever has the response headers is subscribed, though nothing has happened yet', async () => {
  const exchange = new Exchange();
  await using at = await onSocket(exchange);
  const stop = new AbortController();
  const headers = Promise.withResolvers<void>();
  const raw = createClient(EventsService, at.transport);
  const stream = raw.subscribe({}, { signal: stop.signal, onHeader: () => headers.resolve() });
  const first = stream[Symbol.asyncIterator]().next();
  await headers.promise;
  await exchange.publish('n', '/t', event);
  expect((await first).value).toMatchObject({ topic: '/t' });
  stop.abort();
});

test('a filter that cannot be parsed is told to the subscriber', async () => {
  const events = remoteEvents(memoryTransport(eventsRoutes(new Exchange())));
  await expect(events.subscribe(['!'])[Symbol.asyncIterator]().next()).rejects.toMatchObject({
    kind: 'invalid_argument',
  });
});

test('leaving the loop ends the subscription over there', async () => {
  const ended = Promise.withResolvers<void>();
  class Watched extends Exchange {
    override async *subscribe(...args: Parameters<Exchange['subscribe']>) {
      try {
        yield* super.subscribe(...args);
      } finally {
        ended.resolve();
      }
    }
  }
  const exchange = new Watched();
  await using at = await onSocket(exchange);
  await firstHeard(remoteEvents(at.transport).subscribe(), () => exchange.publish('n', '/t', event));
  await ended.promise;
});

test('an abort rejects with its reason', async () => {
  await using at = await onSocket(new Exchange());
  const stop = new AbortController();
  const next = remoteEvents(at.transport)
    .subscribe([], { signal: stop.signal })
    [Symbol.asyncIterator]()
    .next();
  const reason = new Error('enough');
  await setTimeout(50);
  stop.abort(reason);
  await expect(next).rejects.toBe(reason);
});
