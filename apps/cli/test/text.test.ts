import { expect, test } from '@jest/globals';
import { treeLines } from '../src/actions/snapshot-tree.ts';
import { parseNetDev } from '../src/network-usage.ts';
import { parseProcessStat } from '../src/process-stat.ts';
import { parseSignal } from '../src/signal.ts';
import { parseTimeFlag } from '../src/time-flag.ts';

test('a tree of snapshots', () => {
  const at = (name: string, parent: string, kind: 'committed' | 'active' = 'committed') => ({
    name,
    parent,
    kind,
  });
  const all = [
    at('web', 'b', 'active'),
    at('a', ''),
    at('b', 'a'),
    at('c', 'a'),
    at('d', 'b'),
    at('stray', 'gone'),
  ];
  expect(treeLines(all)).toEqual(['a', '├── b', '│   ├── d', '│   └── web (active)', '└── c', 'stray']);
});

test('signals by name and number', () => {
  expect(['TERM', 'sigint', '9', 'RTMIN+3', 'SIGRTMAX-1'].map(parseSignal)).toEqual([15, 2, 9, 37, 63]);
  for (const bad of ['', '0', '65', 'NOPE', 'RTMIN+40'])
    expect(() => parseSignal(bad)).toThrow('is not known');
});

test('times, and how long ago', () => {
  const now = Date.UTC(2026, 0, 2, 3, 4, 5);
  expect(parseTimeFlag('--since', '1h30m', now)).toEqual(new Date(now - 5_400_000));
  expect(parseTimeFlag('--since', '1767323045')).toEqual(new Date(now));
  expect(parseTimeFlag('--since', '2026-01-02T03:04:05Z')).toEqual(new Date(now));
  for (const bad of ['', 'soon', '5x', '2026-99-99'])
    expect(() => parseTimeFlag('--since', bad)).toThrow('--since');
});

test('a process whose name holds parentheses, on a pseudo terminal', () => {
  const fields = `S 7 1 1 ${(136 << 8) | 3} 1 0 0 0 0 0 150 50 0 0 20 0 1 0 12345 0`;
  expect(parseProcessStat(`9 (a) b (c)) ${fields}`)).toEqual({
    ...{ name: 'a) b (c)', parent: 7, terminal: 'pts/3', cpuSeconds: 2, startSeconds: 123.45 },
  });
});

test('what went through interfaces, without the loopback', () => {
  const text =
    'Inter-|\n face |\n    lo: 5 1 0 0 0 0 0 0 5 1\n  eth0: 100 1 0 0 0 0 0 0 200 1\neth1:1 1 0 0 0 0 0 0 2 1\n';
  expect(parseNetDev(text)).toEqual({ receivedBytes: 101n, sentBytes: 202n });
});
