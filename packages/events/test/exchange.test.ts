import { expect, test } from '@jest/globals';
import { TaskExitSchema } from '@stowage/api/events';
import type { Envelope } from '@stowage/events';
import { Exchange } from '@stowage/events/exchange';
import { packMessage } from '@stowage/rpc';

const nothing = { typeUrl: 'x', value: new Uint8Array() };

/** Subscribes at once and collects in the background. */
function listen(exchange: Exchange, filters: readonly string[] = [], signal?: AbortSignal) {
  const heard: Envelope[] = [];
  const ended = (async () => {
    for await (const envelope of exchange.subscribe(filters, { signal })) heard.push(envelope);
  })();
  ended.catch(() => {});
  return { heard, ended };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

test('every subscriber hears of all namespaces, in order and with the time', async () => {
  const exchange = new Exchange();
  const [one, two] = [listen(exchange), listen(exchange)];
  const before = Date.now();
  await exchange.publish('a', '/images/create', nothing);
  await exchange.publish('b', '/images/delete', nothing);
  await turn();
  expect(one.heard.map(({ namespace, topic }) => [namespace, topic])).toEqual([
    ['a', '/images/create'],
    ['b', '/images/delete'],
  ]);
  expect(two.heard).toEqual(one.heard);
  expect(one.heard[0]?.timestamp.getTime()).toBeGreaterThanOrEqual(before);
});

test('forward keeps namespace and time', async () => {
  const exchange = new Exchange();
  const { heard } = listen(exchange);
  const envelope = { timestamp: new Date(5), namespace: 'n', topic: '/t', event: nothing };
  await exchange.forward(envelope);
  await turn();
  expect(heard).toEqual([envelope]);
});

test('there is no replay: a subscriber hears what comes after its first next()', async () => {
  const exchange = new Exchange();
  await exchange.publish('n', '/before', nothing);
  const iterator = exchange.subscribe();
  await exchange.publish('n', '/not-yet', nothing);
  const first = iterator.next();
  await exchange.publish('n', '/after', nothing);
  expect((await first).value.topic).toBe('/after');
  await iterator.return(undefined);
});

test.each(['', 'tasks/exit', '/', '/a//b', '/a/', '/a b', '/-x', `/${'x'.repeat(77)}`])(
  'topic %j is refused',
  async (topic) => {
    await expect(new Exchange().publish('n', topic, nothing)).rejects.toMatchObject({
      kind: 'invalid_argument',
    });
  },
);

test.each(['', 'a b', '../x', '__proto__'])('namespace %j is refused', async (namespace) => {
  const exchange = new Exchange();
  const envelope = { timestamp: new Date(), namespace, topic: '/t', event: nothing };
  await expect(exchange.publish(namespace, '/t', nothing)).rejects.toMatchObject({
    kind: 'invalid_argument',
  });
  await expect(exchange.forward(envelope)).rejects.toMatchObject({ kind: 'invalid_argument' });
});

test('forward refuses an envelope without a time', async () => {
  const envelope = { timestamp: new Date(Number.NaN), namespace: 'n', topic: '/t', event: nothing };
  await expect(new Exchange().forward(envelope)).rejects.toMatchObject({ kind: 'invalid_argument' });
});

test.each([
  ['namespace==a', ['/tasks/start', '/tasks/exit']],
  ['topic=="/tasks/exit"', ['/tasks/exit']],
  ['namespace==b,topic~=|^/images/|', ['/images/create']],
  ['event.container_id==c1', ['/tasks/exit']],
  ['event.exit_status==137', ['/tasks/exit']],
  ['event.exit_status', ['/tasks/exit']],
  ['event.nothing', []],
])('filter %s', async (filter, topics) => {
  const exchange = new Exchange();
  const { heard } = listen(exchange, [filter]);
  await exchange.publish('a', '/tasks/start', nothing);
  await exchange.publish('b', '/images/create', nothing);
  await exchange.publish(
    'a',
    '/tasks/exit',
    packMessage(TaskExitSchema, { containerId: 'c1', exitStatus: 137 }),
  );
  await turn();
  expect(heard.map(({ topic }) => topic)).toEqual(topics);
});

test('a filter that cannot be parsed fails the first next()', async () => {
  await expect(new Exchange().subscribe(['topic==']).next()).rejects.toMatchObject({
    kind: 'invalid_argument',
  });
});

test.each([
  ['events', { maxEnvelopes: 100 }, 10],
  ['bytes', { maxBytes: 100_000 }, 10_000],
])('a slow reader is cut off at a bound of %s, and nobody else', async (_, bounds, sizeBytes) => {
  const exchange = new Exchange(bounds);
  const slow = exchange.subscribe();
  const first = slow.next();
  await exchange.publish('n', '/first', nothing);
  expect((await first).value.topic).toBe('/first');
  const fast = listen(exchange);
  const event = { typeUrl: 'x', value: new Uint8Array(sizeBytes) };
  for (let i = 0; i < 200; i += 1) {
    await exchange.publish('n', '/many', event);
    await turn();
  }
  expect(fast.heard).toHaveLength(200);
  await expect(slow.next()).rejects.toMatchObject({ kind: 'resource_exhausted' });
});

test('a reader that keeps up is never cut off, however many events pass', async () => {
  const exchange = new Exchange({ maxEnvelopes: 10 });
  const { heard } = listen(exchange);
  for (let i = 0; i < 5000; i += 1) {
    await exchange.publish('n', '/many', { typeUrl: 'x', value: Uint8Array.of(i & 255) });
    if (i % 5 === 0) await turn();
  }
  await turn();
  expect(heard).toHaveLength(5000);
  expect(heard.every(({ event }, i) => event.value[0] === (i & 255))).toBe(true);
});

test('an abort ends a subscription with its reason', async () => {
  const stop = new AbortController();
  const { ended } = listen(new Exchange(), [], stop.signal);
  const reason = new Error('enough');
  stop.abort(reason);
  await expect(ended).rejects.toBe(reason);
  await expect(new Exchange().subscribe([], { signal: stop.signal }).next()).rejects.toBe(reason);
  await expect(new Exchange().publish('n', '/t', nothing, { signal: stop.signal })).rejects.toBe(reason);
});
