import { expect, test } from '@jest/globals';
import { Bell, formatPosition, parsePosition } from '@stowage/core';

test('a position is read as it was written; a number alone is of the present run', () => {
  const position = { epoch: '4f1c', sequence: 2n ** 60n };
  expect(parsePosition(formatPosition(position))).toEqual(position);
  expect(parsePosition('17')).toEqual({ epoch: '', sequence: 17n });
});

test.each(['', 'x', '-1', '1.5', 'a:', 'a:b:1', '1 '])('position %j is refused', (text) => {
  expect(() => parsePosition(text)).toThrow(expect.objectContaining({ kind: 'invalid_argument' }));
});

test('a bell wakes all who wait, once; one who gives up hears the reason', async () => {
  const bell = new Bell();
  let heard = 0;
  const waiting = [1, 2].map(() => bell.next().then(() => heard++));
  const stop = new AbortController();
  const given = bell.next(stop.signal);
  const reason = new Error('enough');
  stop.abort(reason);
  await expect(given).rejects.toBe(reason);
  bell.ring();
  bell.ring();
  await Promise.all(waiting);
  expect(heard).toBe(2);
});
