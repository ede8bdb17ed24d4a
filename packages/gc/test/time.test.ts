import { expect, test } from '@jest/globals';
import { parseDurationMs, parseTime } from '@stowage/gc';

test.each([
  ['2030-01-01T01:00:00Z', '2030-01-01T01:00:00.000Z'],
  ['2030-01-01T01:00:00.5Z', '2030-01-01T01:00:00.500Z'],
  ['2030-01-01T01:00:00.123456789+02:30', '2029-12-31T22:30:00.123Z'],
  ['2030-01-01T01:00:00-01:00', '2030-01-01T02:00:00.000Z'],
  ['2028-02-29T00:00:00Z', '2028-02-29T00:00:00.000Z'],
])('%s is the time %s', (text, time) => {
  expect(parseTime(text)).toEqual(new Date(time));
});

test.each([
  ['1'],
  ['2030'],
  ['2030-01-01'],
  ['2030-01-01 01:00:00Z'],
  ['2030-01-01T01:00:00'],
  ['2030-02-30T00:00:00Z'],
  ['2030-01-01T24:00:00Z'],
  ['2030-13-01T00:00:00Z'],
  ['2030-01-01T00:00:60Z'],
  ['2030-01-01T00:00:00+25:00'],
  ['tomorrow'],
  [''],
])('%j is no time, as it is none for containerd', (text) => {
  expect(parseTime(text)).toBeUndefined();
});

test.each([
  ['72h', 259_200_000],
  ['1h30m', 5_400_000],
  ['1.5h', 5_400_000],
  ['.5s', 500],
  ['100ms', 100],
  ['2us', 0.002],
  ['-1m', -60_000],
  ['0', 0],
])('%s is a duration of %d ms', (text, ms) => {
  expect(parseDurationMs(text)).toBeCloseTo(ms, 9);
});

test.each([['72'], ['1 h'], ['h'], ['1d'], [''], ['1h-1m'], ['soon']])('%j is no duration', (text) => {
  expect(parseDurationMs(text)).toBeUndefined();
});
