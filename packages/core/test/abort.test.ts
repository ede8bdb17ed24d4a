import { describe, expect, test } from '@jest/globals';
import { abortable } from '../src/index.ts';

const never = new Promise<never>(() => {});

describe('abortable', () => {
  test('settles as the work does', async () => {
    const { signal } = new AbortController();
    await expect(abortable(Promise.resolve(1), undefined)).resolves.toBe(1);
    await expect(abortable(Promise.resolve(1), signal)).resolves.toBe(1);
    await expect(abortable(Promise.reject('no'), signal)).rejects.toBe('no');
  });

  test('rejects with the reason as soon as the signal fires', async () => {
    const stop = new AbortController();
    const waiting = abortable(never, stop.signal);
    stop.abort('enough');
    await expect(waiting).rejects.toBe('enough');
  });

  test('an abort that has happened wins over work that is done', async () => {
    await expect(abortable(Promise.resolve(1), AbortSignal.abort('early'))).rejects.toBe('early');
  });

  test('work that fails after the abort is no unhandled rejection', async () => {
    const unhandled: unknown[] = [];
    const listen = (reason: unknown) => unhandled.push(reason);
    process.on('unhandledRejection', listen);
    try {
      const failing = Promise.withResolvers<void>();
      await expect(abortable(failing.promise, AbortSignal.abort('early'))).rejects.toBe('early');
      failing.reject('late');
      await new Promise((resolve) => setImmediate(resolve));
      expect(unhandled).toEqual([]);
    } finally {
      process.off('unhandledRejection', listen);
    }
  });
});
