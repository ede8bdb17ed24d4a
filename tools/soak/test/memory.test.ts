import { expect, test } from '@jest/globals';
import { slopeOf } from '../src/memory.ts';

const MIB = 1024 ** 2;
const MINUTE_MS = 60_000;
const line = (perMinute: number) =>
  Array.from({ length: 61 }, (_, n) => ({ atMs: n * MINUTE_MS, bytes: (100 + n * perMinute) * MIB }));

test('what grows is told by the hour, without the warm-up', () => {
  expect(slopeOf(line(0.5), 10 * MINUTE_MS)).toEqual({ first: 105, last: 130, most: 130, perHour: 30 });
  const warm = [{ atMs: 0, bytes: 0 }, ...line(0).map(({ atMs, bytes }) => ({ atMs: atMs + 1, bytes }))];
  expect(slopeOf(warm, 10 * MINUTE_MS)?.perHour).toBe(0);
});

test('of too few samples nothing can be told', () => {
  expect(slopeOf([], 0)).toBeUndefined();
  expect(slopeOf(line(1).slice(0, 3), 10 * MINUTE_MS)).toBeUndefined();
});
