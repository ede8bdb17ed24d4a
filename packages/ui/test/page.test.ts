import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from '@jest/globals';
import { Asking } from '../src/page/asking.ts';
import { formatAge, formatSize, plain, shortDigest } from '../src/page/format.ts';
import { flattened } from '../src/page/snapshot-tree.ts';

test('what a program printed is shown without what it tells a terminal', () => {
  const esc = '\u001b';
  expect(plain(`${esc}[1;31mred${esc}[0m and ${esc}]0;title\u0007plain\ttab\r`)).toBe('red and plain\ttab');
  expect(plain(`${esc}]8;;http://x${esc}\\link${esc}]8;;${esc}\\ [x] \u0000${esc}`)).toBe('link [x] ');
  expect(plain('\r[INFO] grüße')).toBe('[INFO] grüße');
});

test('snapshots stand right below what they are made on, however deep, and what has no parent here begins a tree', () => {
  const one = (name: string, parent = '', kind = 'COMMITTED') => ({ name, parent, kind });
  const items = flattened([
    one('c', 'b', 'ACTIVE'),
    one('a'),
    one('d', 'a'),
    one('b', 'a'),
    one('lost', 'gone'),
  ]);
  expect(items.map(({ name, level, note }) => `${level} ${name} ${note}`.trim())).toEqual([
    '1 a',
    '2 b',
    '3 c active',
    '2 d',
    '1 lost',
  ]);
  const deep = Array.from({ length: 20_000 }, (_, i) => one(`${i}`, i === 0 ? '' : `${i - 1}`));
  expect(flattened(deep).at(-1)).toMatchObject({ name: '19999', level: 20_000 });
});

test('sizes, ages and digests are short', () => {
  expect([formatSize(999), formatSize(1_260n), formatSize(4_200_000)]).toEqual([
    '999 B',
    '1.26 kB',
    '4.20 MB',
  ]);
  expect(formatAge('2026-01-01T00:00:00Z', Date.parse('2026-01-01T00:01:10Z'))).toBe('1 minute ago');
  expect(shortDigest(`sha256:${'ab'.repeat(32)}`)).toBe('abababababab');
});

test('however often something changes it is asked for, one at a time, and once more in the end', async () => {
  let [changes, seen, asked, atOnce, most] = [0, -1, 0, 0, 0];
  const asking = new Asking(5, async () => {
    asked++;
    most = Math.max(most, ++atOnce);
    seen = changes;
    await delay(10);
    atOnce--;
  });
  for (; changes < 50; changes++) {
    asking.again();
    await delay(2);
  }
  await delay(100);
  expect([seen, most]).toEqual([50, 1]);
  expect(asked).toBeGreaterThan(2);
  expect(asked).toBeLessThan(50);
  asking.again();
  asking.stop();
  const before = asked;
  await delay(20);
  expect(asked).toBe(before);
});
