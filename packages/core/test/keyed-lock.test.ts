import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { KeyedLock } from '../src/index.ts';

const settle = () => new Promise((resolve) => setImmediate(resolve));

/** Notes in `log` when the keys are got; gives back what releases them. */
async function take(
  lock: KeyedLock,
  log: string[],
  name: string,
  keys: readonly string[],
  signal?: AbortSignal,
) {
  const held = await lock.acquire(keys, signal);
  log.push(name);
  return () => held[Symbol.dispose]();
}

describe('KeyedLock', () => {
  test('different keys do not wait for each other, and no keys wait for nothing', async () => {
    const lock = new KeyedLock();
    using _a = await lock.acquire(['a']);
    using _b = await lock.acquire(['b']);
    using _none = await lock.acquire([]);
  });

  test('first come, first served', async () => {
    const lock = new KeyedLock();
    const log: string[] = [];
    const first = await take(lock, log, 'first', ['k']);
    const second = take(lock, log, 'second', ['k']);
    const third = take(lock, log, 'third', ['k']);
    await settle();
    expect(log).toEqual(['first']);
    first();
    const late = take(lock, log, 'late', ['k']);
    (await second)();
    (await third)();
    (await late)();
    expect(log).toEqual(['first', 'second', 'third', 'late']);
  });

  test('the same key named twice is taken once', async () => {
    const lock = new KeyedLock();
    using _held = await lock.acquire(['k', 'k']);
  });

  test('keys named in opposite orders do not deadlock', async () => {
    const lock = new KeyedLock();
    const cross = async (keys: string[]) => {
      using _held = await lock.acquire(keys);
      await settle();
    };
    await Promise.all([cross(['a', 'b']), cross(['b', 'a']), cross(['c', 'a']), cross(['b', 'c'])]);
    expect(lock.tryAcquire('a')).toBeDefined();
  });

  test('releasing twice does not release the next holder', async () => {
    const lock = new KeyedLock();
    const first = await lock.acquire(['k']);
    first[Symbol.dispose]();
    using _second = await lock.acquire(['k']);
    first[Symbol.dispose]();
    expect(lock.tryAcquire('k')).toBeUndefined();
    const tried = lock.tryAcquire('x');
    tried?.[Symbol.dispose]();
    using _x = await lock.acquire(['x']);
    tried?.[Symbol.dispose]();
    expect(lock.tryAcquire('x')).toBeUndefined();
  });

  describe('tryAcquire', () => {
    test('does not jump the queue', async () => {
      const lock = new KeyedLock();
      const first = await lock.acquire(['k']);
      expect(lock.tryAcquire('k')).toBeUndefined();
      const second = lock.acquire(['k']);
      first[Symbol.dispose]();
      expect(lock.tryAcquire('k')).toBeUndefined();
      (await second)[Symbol.dispose]();
      using got = lock.tryAcquire('k');
      expect(got).toBeDefined();
    });

    test('succeeds as soon as the holder is gone, even if somebody gave up waiting', async () => {
      const lock = new KeyedLock();
      const stop = new AbortController();
      const first = await lock.acquire(['k']);
      const gaveUp = expect(lock.acquire(['k'], stop.signal)).rejects.toBe('enough');
      stop.abort('enough');
      first[Symbol.dispose]();
      expect(lock.tryAcquire('k')).toBeDefined();
      await gaveUp;
    });
  });

  describe('abort', () => {
    test('while waiting rejects with the reason and lets the others through in order', async () => {
      const lock = new KeyedLock();
      const log: string[] = [];
      const stop = new AbortController();
      const first = await take(lock, log, 'first', ['k']);
      const second = expect(take(lock, log, 'second', ['k'], stop.signal)).rejects.toBe('enough');
      const third = take(lock, log, 'third', ['k']);
      stop.abort('enough');
      await second;
      await settle();
      expect(log).toEqual(['first']);
      first();
      (await third)();
      expect(log).toEqual(['first', 'third']);
    });

    test('gives back the keys that were already taken', async () => {
      const lock = new KeyedLock();
      const stop = new AbortController();
      using _b = await lock.acquire(['b']);
      const both = expect(lock.acquire(['a', 'b'], stop.signal)).rejects.toBe('enough');
      expect(lock.tryAcquire('a')).toBeUndefined();
      stop.abort('enough');
      await both;
      expect(lock.tryAcquire('a')).toBeDefined();
    });

    test('before the call takes nothing', async () => {
      const lock = new KeyedLock();
      await expect(lock.acquire(['k'], AbortSignal.abort('early'))).rejects.toBe('early');
      expect(lock.tryAcquire('k')).toBeDefined();
    });

    test('in the tick in which the key is handed over leaves nothing held', async () => {
      const lock = new KeyedLock();
      const stop = new AbortController();
      const first = await lock.acquire(['a']);
      using _b = await lock.acquire(['b']);
      const both = expect(lock.acquire(['a', 'b'], stop.signal)).rejects.toBe('enough');
      first[Symbol.dispose]();
      stop.abort('enough');
      await both;
      expect(lock.tryAcquire('a')).toBeDefined();
    });
  });

  test('two holders of a key never overlap, everybody is served, nothing stays behind', async () => {
    const job = fc.record({
      keys: fc.array(fc.constantFrom('a', 'b', 'c', 'd'), { maxLength: 4 }),
      startsAfter: fc.nat(4),
      holdsFor: fc.nat(4),
      givesUpAfter: fc.option(fc.nat(12), { nil: undefined }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(job, { maxLength: 12 }), async (jobs) => {
        const lock = new KeyedLock();
        const held = new Set<string>();
        const ticks = async (n: number) => {
          for (let i = 0; i < n; i++) await null;
        };
        const run = async ({ keys, startsAfter, holdsFor, givesUpAfter }: (typeof jobs)[number]) => {
          await ticks(startsAfter);
          const stop = new AbortController();
          const givingUp =
            givesUpAfter === undefined ? undefined : ticks(givesUpAfter).then(() => stop.abort('enough'));
          try {
            using _lock = await lock.acquire(keys, stop.signal);
            const mine = new Set(keys);
            for (const key of mine) {
              expect(held.has(key)).toBe(false);
              held.add(key);
            }
            await ticks(holdsFor);
            for (const key of mine) held.delete(key);
          } catch (e) {
            if (e !== 'enough') throw e;
          }
          await givingUp;
        };
        await Promise.all(jobs.map(run));
        for (const key of ['a', 'b', 'c', 'd']) expect(lock.tryAcquire(key)).toBeDefined();
      }),
      { numRuns: 500 },
    );
  });
});
