import { afterEach, expect, jest, test } from '@jest/globals';
import { silentLogger } from '@stowage/core';
import type { Collector } from '../src/index.ts';
import { KeptFigures } from '../src/kept-figures.ts';

afterEach(() => void jest.useRealTimers());

const family = (value: number) => ({
  name: 'a',
  help: 'b',
  type: 'gauge' as const,
  samples: [{ value }],
});
const never = () => new AbortController().signal;

/** A collector whose collections end when they are told to. */
function held() {
  const runs: Array<PromiseWithResolvers<void> & { signal: AbortSignal | undefined }> = [];
  const collector: Collector = {
    name: 'held',
    async collect({ signal }) {
      const run = { ...Promise.withResolvers<void>(), signal };
      runs.push(run);
      signal?.addEventListener('abort', () => run.reject(signal.reason));
      await run.promise;
      return [family(runs.length)];
    },
  };
  return { runs, kept: new KeptFigures(collector, silentLogger) };
}

test('all who ask at a time share one collection, and who asks soon after has the same figures', async () => {
  const { runs, kept } = held();
  const asked = [kept.read(never()), kept.read(never())];
  expect(runs).toHaveLength(1);
  runs[0]?.resolve();
  const [one, two] = await Promise.all(asked);
  expect(one?.families).toEqual([family(1)]);
  expect(two).toBe(one);
  expect(await kept.read(never())).toBe(one);
  expect(runs).toHaveLength(1);
});

test('figures are a second old at least before they are collected again, and older if that takes long', async () => {
  jest.useFakeTimers();
  const { runs, kept } = held();
  const first = kept.read(never());
  await jest.advanceTimersByTimeAsync(500);
  runs[0]?.resolve();
  await first;
  await jest.advanceTimersByTimeAsync(9_900);
  await kept.read(never());
  expect(runs).toHaveLength(1);
  await jest.advanceTimersByTimeAsync(200);
  void kept.read(never());
  expect(runs).toHaveLength(2);
});

test('who is slow has its last figures told, and is not asked twice at a time', async () => {
  jest.useFakeTimers();
  const { runs, kept } = held();
  const first = kept.read(never());
  await jest.advanceTimersByTimeAsync(3_000);
  expect((await first).families).toEqual([]);
  const second = kept.read(never());
  expect(runs).toHaveLength(1);
  runs[0]?.resolve();
  expect(await second).toMatchObject({ families: [family(1)], succeeded: true });
  await jest.advanceTimersByTimeAsync(100_000);
  const third = kept.read(never());
  await jest.advanceTimersByTimeAsync(3_000);
  expect(await third).toMatchObject({ families: [family(1)], succeeded: false });
});

test('a collection is given up when the last one that waits leaves, not before', async () => {
  const { runs, kept } = held();
  const [a, b] = [new AbortController(), new AbortController()];
  const asked = [kept.read(a.signal), kept.read(b.signal)].map((one) => one.catch((e: unknown) => e));
  a.abort('a left');
  expect(await asked[0]).toBe('a left');
  expect(runs[0]?.signal?.aborted).toBe(false);
  b.abort('b left');
  expect(await asked[1]).toBe('b left');
  expect(runs[0]?.signal?.aborted).toBe(true);
  await new Promise((settle) => setImmediate(settle));
  void kept.read(never());
  expect(runs).toHaveLength(2);
});

test('a collection that fails is logged, and tells no figures', async () => {
  const lines: object[] = [];
  const log = { ...silentLogger, warn: (fields: object) => void lines.push(fields) };
  const collect = () => {
    throw new Error('disk on fire');
  };
  const kept = new KeptFigures({ name: 'bad', collect }, log);
  expect(await kept.read(never())).toMatchObject({ succeeded: false, families: [] });
  expect(lines).toEqual([{ collector: 'bad', reason: 'disk on fire' }]);
});
