import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from '@jest/globals';
import type { Position } from '@stowage/core';
import type { EventHistory, EventNotice } from '@stowage/events';
import { Exchange, type ExchangeOptions } from '@stowage/events/exchange';
import { remoteEventHistory } from '@stowage/events/remote';
import { eventHistoryRoutes } from '@stowage/events/service';
import { memoryTransport } from '@stowage/rpc/transport';
import { exchangeConfig } from '../src/config.ts';

const eventOf = (n: number) => ({ typeUrl: 'acme.Thing', value: Uint8Array.of(n & 255) });
const begin = (history: EventHistory, ...options: Parameters<EventHistory['follow']>) =>
  history.follow(...options)[Symbol.asyncIterator]();

async function take(notices: AsyncIterator<EventNotice>, count: number): Promise<EventNotice[]> {
  const taken: EventNotice[] = [];
  while (taken.length < count) {
    const { value, done } = await notices.next();
    if (done === true) throw new Error('the notices ended');
    taken.push(value);
  }
  return taken;
}

async function publish(exchange: Exchange, from: number, to: number, topic = '/t'): Promise<void> {
  for (let n = from; n <= to; n += 1) await exchange.publish('n', topic, eventOf(n));
}

const valuesOf = (notices: readonly EventNotice[]) =>
  notices.map((notice) => (notice.type === 'event' ? notice.envelope.event.value[0] : notice.type));

describe.each([
  ['in process', (exchange: Exchange): EventHistory => exchange],
  ['over Connect', (exchange: Exchange) => remoteEventHistory(memoryTransport(eventHistoryRoutes(exchange)))],
])('%s', (_, reach) => {
  const open = (options?: ExchangeOptions) => {
    const exchange = new Exchange(options);
    return { exchange, history: reach(exchange) };
  };

  test('it begins with where it is, and tells what happens from then on, numbered', async () => {
    const { exchange, history } = open();
    await publish(exchange, 1, 3);
    const notices = begin(history);
    const [first] = await take(notices, 1);
    expect(first).toMatchObject({ type: 'position', position: { sequence: 3n } });
    await publish(exchange, 4, 5);
    const heard = await take(notices, 2);
    expect(valuesOf(heard)).toEqual([4, 5]);
    expect(heard.map(({ position }) => position.sequence)).toEqual([4n, 5n]);
    expect(new Set([first, ...heard].map((notice) => notice?.position.epoch)).size).toBe(1);
    await notices.return?.();
  });

  test('who was cut off hears every event exactly once', async () => {
    const { exchange, history } = open();
    const heard: unknown[] = [];
    let after: Position | undefined;
    for (let round = 0; round < 10; round += 1) {
      const notices = begin(history, { after });
      if (after === undefined) after = (await take(notices, 1))[0]?.position;
      await publish(exchange, round * 10 + 1, round * 10 + 10);
      // Some are told and some are not when it is cut off.
      for (const notice of await take(notices, 4)) {
        after = notice.position;
        if (notice.type !== 'position') heard.push(...valuesOf([notice]));
      }
      await notices.return?.();
    }
    const last = begin(history, { after });
    while (heard.length < 100) {
      const [notice] = await take(last, 1);
      if (notice !== undefined && notice.type !== 'position') heard.push(...valuesOf([notice]));
    }
    await last.return?.();
    expect(heard).toEqual(Array.from({ length: 100 }, (__, i) => i + 1));
  });

  test('number 0 of the present run, which need not be named, is all that is kept', async () => {
    const { exchange, history } = open();
    await publish(exchange, 1, 3);
    const notices = begin(history, { after: { epoch: '', sequence: 0n } });
    expect(valuesOf(await take(notices, 4))).toEqual(['position', 1, 2, 3]);
    await notices.return?.();
  });

  test.each([
    ['events', { maxHistoryEvents: 2 }],
    ['bytes', { maxHistoryBytes: 300 }],
  ])('what is no longer kept by the bound of %s is told as a gap', async (_bound, options) => {
    const { exchange, history } = open(options);
    await publish(exchange, 1, 5);
    const notices = begin(history, { after: { epoch: '', sequence: 1n } });
    const [, gap, ...events] = await take(notices, 4);
    expect(gap).toMatchObject({ type: 'gap', missed: 2n, position: { sequence: 3n } });
    expect(valuesOf(events)).toEqual([4, 5]);
    await notices.return?.();
  });

  test('a position of another run is told as a gap of unknown size, and all of this one follows', async () => {
    const { exchange, history } = open();
    await publish(exchange, 1, 2);
    for (const after of [
      { epoch: 'another', sequence: 1n },
      { epoch: '', sequence: 99n },
    ]) {
      const notices = begin(history, { after });
      const heard = await take(notices, 4);
      expect(heard[0]).toMatchObject({ type: 'gap', position: { sequence: 0n } });
      expect(heard[0]).not.toHaveProperty('missed', expect.anything());
      expect(valuesOf(heard)).toEqual(['gap', 'position', 1, 2]);
      await notices.return?.();
    }
  });

  test('who filters gets a position now and then, and can go on from it', async () => {
    const { exchange, history } = open({ maxHistoryEvents: 600 });
    const notices = begin(history, { filters: ['topic=="/wanted"'] });
    await take(notices, 1);
    await publish(exchange, 1, 550);
    const [notice] = await take(notices, 1);
    expect(notice).toMatchObject({ type: 'position', position: { sequence: 500n } });
    await notices.return?.();
    await publish(exchange, 551, 900);
    await publish(exchange, 1, 1, '/wanted');
    const again = begin(history, { filters: ['topic=="/wanted"'], after: notice?.position });
    expect(valuesOf(await take(again, 2))).toEqual(['position', 1]);
    await again.return?.();
  });

  test('a reader may be slow: it hears what is kept, and of the gap', async () => {
    const { exchange, history } = open({ maxHistoryEvents: 100 });
    const notices = begin(history);
    await take(notices, 1);
    let expected = 1n;
    await publish(exchange, 1, 1000);
    let gaps = 0;
    while (expected <= 1000n) {
      const [notice] = await take(notices, 1);
      if (notice?.type === 'gap') {
        gaps += 1;
        expect(notice.position.sequence - expected + 1n).toBe(notice.missed);
      } else expect(notice?.position.sequence).toBe(expected);
      expected = (notice?.position.sequence ?? 0n) + 1n;
    }
    expect(gaps).toBeGreaterThan(0);
    await notices.return?.();
  });

  test('a filter that cannot be parsed is refused; an abort rejects with its reason', async () => {
    const { history } = open();
    await expect(begin(history, { filters: ['!'] }).next()).rejects.toMatchObject({
      kind: 'invalid_argument',
    });
    const stop = new AbortController();
    const notices = begin(history, { signal: stop.signal });
    await take(notices, 1);
    const next = notices.next();
    const reason = new Error('enough');
    await sleep(20);
    stop.abort(reason);
    await expect(next).rejects.toBe(reason);
  });
});

test('a history of nothing keeps nothing, and tells so', async () => {
  const exchange = new Exchange({ maxHistoryEvents: 0 });
  const notices = exchange.follow();
  await take(notices, 1);
  await publish(exchange, 1, 2);
  expect(await take(notices, 1)).toMatchObject([{ type: 'gap', missed: 2n }]);
  await notices.return(undefined);
});

test('settings', () => {
  expect(exchangeConfig({})).toEqual({ maxHistoryEvents: 10_000, maxHistoryBytes: 8 * 1024 * 1024 });
  expect(exchangeConfig({ max_history_events: 5 })).toMatchObject({ maxHistoryEvents: 5 });
  for (const table of [{ max_history_events: -1 }, { max_history_bytes: 'x' }, { other: 1 }])
    expect(() => exchangeConfig(table)).toThrow(expect.objectContaining({ kind: 'invalid_argument' }));
});
