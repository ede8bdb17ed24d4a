import { expect, test } from '@jest/globals';
import { type Node, walk } from '@stowage/gc';
import fc from 'fast-check';
import { KeyTable } from '../src/gc/key-table.ts';
import { Marking } from '../src/gc/marking.ts';
import { ObjectGraph } from '../src/gc/object-graph.ts';
import { holdersFirst } from '../src/gc/order.ts';
import { Pieces } from '../src/gc/pieces.ts';

const key = fc.nat(12).map((n) => `k${n}`);
const nodes: fc.Arbitrary<Map<string, Node>> = fc
  .array(
    fc.tuple(
      key,
      fc.record({
        refs: fc.array(key, { maxLength: 4 }),
        parent: fc.option(key, { nil: undefined }),
        isFlat: fc.boolean(),
      }),
    ),
    { maxLength: 13 },
  )
  .map((entries) => new Map(entries));

function graphOf(all: ReadonlyMap<string, Node>): ObjectGraph {
  const graph = new ObjectGraph();
  for (const [id, node] of all) graph.put(id, node);
  return graph;
}

test('keys have numbers of their own, in the order in which they came, whatever they are', () => {
  const keys = fc.uniqueArray(fc.string({ unit: 'grapheme', maxLength: 40 }), { maxLength: 200 });
  fc.assert(
    fc.property(keys, (all) => {
      const table = new KeyTable();
      const seen = all.filter((one) => one.isWellFormed());
      expect(seen.map((one) => table.add(one))).toEqual(seen.map((_, i) => i));
      expect(seen.map((one) => table.add(one))).toEqual(seen.map((_, i) => i));
      expect(seen.map((one) => table.find(one))).toEqual(seen.map((_, i) => i));
      expect(seen.map((_, i) => table.keyOf(i))).toEqual(seen);
      expect(table.find('none of them')).toBe(-1);
    }),
    { numRuns: 50 },
  );
});

test('a table of many keys, longer than a chunk, loses none', () => {
  const table = new KeyTable();
  const keyAt = (i: number) => `v1/default/content/${String(i).padStart(80, '0')}`;
  for (let i = 0; i < 30_000; i += 1) table.add(keyAt(i));
  const long = 'x'.repeat(2_000_000);
  expect(table.keyOf(table.add(long))).toBe(long);
  for (let i = 0; i < 30_000; i += 997) expect([table.find(keyAt(i)), table.keyOf(i)]).toEqual([i, keyAt(i)]);
  expect(table.size).toBe(30_001);
});

test('what is marked is what a walk over the same graph reaches, in whatever steps', async () => {
  await fc.assert(
    fc.asyncProperty(
      nodes,
      fc.array(key, { maxLength: 3 }),
      fc.integer({ min: 1, max: 5 }),
      async (all, roots, steps) => {
        const graph = graphOf(all);
        const marking = new Marking(graph);
        for (const root of roots) {
          marking.from(graph.numberOf(root));
          marking.advance(steps);
        }
        marking.advance();
        const { full, flat } = await walk({ nodes: all, roots });
        const reached = [...Array(graph.size).keys()]
          .filter((n) => marking.has(n))
          .map((n) => graph.keyOf(n));
        expect(reached.sort()).toEqual([...new Set([...full, ...flat])].sort());
      },
    ),
    { numRuns: 200 },
  );
});

test('each comes after all that keep it, and those that keep each other come at once', async () => {
  await fc.assert(
    fc.asyncProperty(nodes, fc.integer({ min: 1, max: 6 }), async (all, pieceSize) => {
      const graph = graphOf(all);
      const objects = Int32Array.from(Array(graph.size).keys());
      const pages = await holdersFirst(graph, objects, new Pieces({ pieceSize }));
      expect(pages.flatMap((page) => [...page]).sort((a, b) => a - b)).toEqual([...objects]);
      const pageOf = new Map(pages.flatMap((page, i) => [...page].map((n) => [graph.keyOf(n), i] as const)));
      for (const [id, { refs }] of all)
        for (const ref of refs) expect(pageOf.get(ref)).toBeGreaterThanOrEqual(pageOf.get(id) ?? 0);
      for (const page of pages) {
        if (page.length <= pieceSize) continue;
        const keys = new Set([...page].map((n) => graph.keyOf(n)));
        const { full } = await walk({ nodes: within(all, keys), roots: [...keys].slice(0, 1) });
        expect(full).toEqual(keys);
      }
    }),
    { numRuns: 200 },
  );
});

test('in a page, children come before their parents', async () => {
  const graph = new ObjectGraph();
  graph.put('child', { refs: ['parent'], parent: 'parent', isFlat: false });
  graph.put('grandchild', { refs: ['child'], parent: 'child', isFlat: false });
  graph.put('parent', { refs: [], parent: undefined, isFlat: false });
  const [page, ...more] = await holdersFirst(graph, Int32Array.of(0, 1, 2), new Pieces());
  expect(more).toEqual([]);
  expect([...(page ?? [])].map((n) => graph.keyOf(n))).toEqual(['grandchild', 'child', 'parent']);
});

function within(all: ReadonlyMap<string, Node>, keys: ReadonlySet<string>): Map<string, Node> {
  const part = new Map<string, Node>();
  for (const id of keys) {
    const refs = (all.get(id)?.refs ?? []).filter((ref) => keys.has(ref));
    part.set(id, { refs, parent: undefined, isFlat: false });
  }
  return part;
}
