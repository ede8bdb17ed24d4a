import { dir, type Entry, file, link, symlink } from '../../tar-writer.ts';
import type { HostileCase } from './hostile-case.ts';

/** One of each type under one name, and what is seen there. */
const KINDS: Readonly<Record<string, { readonly entry: Entry; readonly seen: string }>> = {
  file: { entry: file('a', 'x'), seen: 'x' },
  directory: { entry: dir('a'), seen: 'dir/' },
  symlink: { entry: symlink('CANARY/etc/passwd', 'a'), seen: '-> CANARY/etc/passwd' },
  'symlink-to-directory': { entry: symlink('CANARY/etc', 'a'), seen: '-> CANARY/etc' },
  hardlink: { entry: link('other', 'a'), seen: '=other' },
  fifo: { entry: { name: 'a', type: '6' }, seen: 'node' },
  char: { entry: { name: 'a', type: '3', dev: [1, 3] }, seen: 'node' },
  block: { entry: { name: 'a', type: '4', dev: [254, 0] }, seen: 'node' },
};

const pairs = Object.entries(KINDS).flatMap(([below, first]) =>
  Object.entries(KINDS).map(([above, second]) => ({ below, above, first, second })),
);

/** Whatever has a name already gives way to what comes, in the layer itself and over the layer below. */
export const types: readonly HostileCase[] = pairs.flatMap(({ below, above, first, second }) => {
  const after = { a: second.seen, other: 'o' };
  return [
    {
      id: `${above}-after-${below}`,
      layer: [file('other', 'o'), first.entry, second.entry],
      after,
    },
    {
      id: `${above}-over-${below}`,
      base: [file('other', 'o'), first.entry],
      layer: [second.entry],
      after,
    },
  ];
});

/** What is removed, by each of its kinds, is removed itself, never what it points to. */
export const removals: readonly HostileCase[] = Object.entries(KINDS).flatMap(([kind, { entry }]) => [
  {
    id: `whiteout-of-${kind}`,
    base: [file('other', 'o'), entry],
    layer: [file('.wh.a')],
    after: { a: null, other: 'o' },
  },
  {
    id: `opaque-over-${kind}`,
    base: [dir('d'), file('other', 'o'), { ...entry, name: 'd/a' }],
    layer: [file('d/.wh..wh..opq')],
    after: { 'd/a': null, d: 'dir/', other: 'o' },
  },
]);
