import { expect, test } from '@jest/globals';
import type { Progress } from '@stowage/client';
import { Bars } from '../src/bars.ts';
import { rateOf } from '../src/rate.ts';
import type { Screen } from '../src/screen.ts';

const screen = (columns: number): Screen => ({ columns, paint: (_, text) => text });

const step = (n: number, bytes: number, more: Partial<Progress> = {}): Progress =>
  ({
    stage: 'fetch',
    state: 'running',
    descriptor: {
      digest: `sha256:${`${n}`.padStart(64, '0')}`.replace(/0+/, 'a'),
      mediaType: '',
      size: 1000n,
    },
    bytes: BigInt(bytes),
    ...more,
  }) as Progress;

test('a bar for each blob with its phase, and one for all, with rates', () => {
  const bars = new Bars();
  bars.update(step(1, 0));
  bars.update(step(2, 0, { stage: 'unpack' }));
  bars.lines(screen(100), 24, 0);
  bars.update(step(1, 500));
  const lines = bars.lines(screen(100), 24, 1000);
  expect(lines).toEqual([
    `a1 fetching   [${'='.repeat(15)}${' '.repeat(15)}] 50%  500 B of 1.00 kB  500 B/s`,
    `a2 unpacking  [${' '.repeat(30)}]  0%  0 B of 1.00 kB`,
    `0/2 done                [${'='.repeat(8)}${' '.repeat(22)}] 25%  500 B of 2.00 kB  500 B/s`,
  ]);
});

test('lines are no longer than the terminal is wide, and bars the first to go', () => {
  const bars = new Bars();
  for (let i = 1; i < 4; i++) bars.update(step(i, 999));
  for (const columns of [200, 80, 60, 50]) {
    bars.lines(screen(columns), 24, 0);
    for (const line of bars.lines(screen(columns), 24, 10)) expect(line.length).toBeLessThanOrEqual(columns);
  }
  expect(bars.lines(screen(40), 24, 0)[0]).toBe('a1 fetching   99%  999 B of 1.00 kB');
});

test('what has ended is told as such, until there is no room; never more lines than the terminal has', () => {
  const bars = new Bars();
  for (let i = 1; i <= 30; i++) bars.update(step(i, 1000, { state: i <= 20 ? 'done' : 'running' }));
  expect(bars.lines(screen(80), 40, 0)).toHaveLength(31);
  expect(bars.lines(screen(80), 40, 0)[0]).toBe('a1 done 1.00 kB');
  const few = bars.lines(screen(80), 14, 0);
  expect(few).toHaveLength(11);
  expect(few[0]).toMatch(/^a21 fetching/);
  expect(few.at(-1)).toMatch(/^20\/30 done/);
  expect(bars.lines(screen(80), 5, 0)).toHaveLength(3);
});

test('a layer that is unpacked after it was fetched has a bar again', () => {
  const bars = new Bars();
  bars.update(step(1, 1000, { state: 'done' }));
  bars.update(step(1, 10, { stage: 'unpack' }));
  expect(bars.lines(screen(80), 24, 0)).toEqual([expect.stringMatching(/^a1 unpacking .* 1% /)]);
});

test('a rate is of the last seconds, and of nothing before a step began anew', () => {
  const rate = rateOf();
  expect([rate(0n, 0), rate(1000n, 1000), rate(1000n, 2000), rate(1000n, 8000)]).toEqual([0, 1000, 500, 0]);
  expect([rate(0n, 9000), rate(10n, 9500)]).toEqual([0, 20]);
});
