import { expect, test } from '@jest/globals';
import { withoutDead } from '../src/model/cut.ts';
import type { JournalLine } from '../src/model/world.ts';

const begin = (n: number, at: number): JournalLine => ({
  ...{ t: 'begin', at, n, client: 0, operation: 'o', effects: [], maybe: [] },
});
const ack = (n: number, at: number): JournalLine => ({ t: 'ack', n, at });

test('what was answered before the power went counts; after that nobody is answered, and nothing begins', () => {
  const lines = [
    begin(0, 1),
    ack(0, 2),
    begin(1, 3),
    begin(2, 11),
    ack(1, 10),
    ack(2, 12),
    begin(3, 13),
    ack(3, 14),
  ];
  const alive = withoutDead(lines, { from: 10, to: 12 });
  expect(alive.filter(({ t }) => t === 'ack')).toEqual([ack(0, 2)]);
  expect(alive.filter(({ t }) => t === 'begin')).toEqual([begin(0, 1), begin(1, 3), begin(2, 11)]);
  expect(alive.flatMap((line) => (line.t === 'fail' ? [line.n] : []))).toEqual([1, 2]);
});

test('without a cut everything counts', () => {
  const lines = [begin(0, 1), ack(0, 2)];
  expect(withoutDead(lines, undefined)).toEqual(lines);
});
