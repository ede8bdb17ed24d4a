import { expect, test } from '@jest/globals';
import { type ObjectId, type Removal, reachable } from '@stowage/gc';
import { type Fact, inspectorOver } from '@stowage/gc/inspect';
import fc from 'fast-check';
import { type Known, type Survey, survey, surveyKey } from '../src/inspect/survey.ts';
import { AT, facts, sourceOf } from './arbitrary-facts.ts';

const WHOLE = { namespace: '' };
const RUNS = { numRuns: 300 };

async function surveyOf(all: readonly Fact[]): Promise<Survey> {
  return survey(sourceOf(all).facts(undefined, {}), AT);
}

/** Bytes that live records name, each unit once. */
function bytesOf({ nodes }: Survey, live: ReadonlySet<string>): bigint {
  const units = new Map<string, bigint>();
  for (const { key, id, sizeBytes, isAbsent } of nodes.values()) {
    if (isAbsent || !live.has(key)) continue;
    if (id.kind === 'content') units.set(id.name, sizeBytes ?? 0n);
    else if (id.kind === 'snapshots') units.set(key, 3n * 10n ** BigInt(id.name));
    else if (id.kind === 'ingests') units.set(key, 7n * 10n ** BigInt(id.name));
  }
  return [...units.values()].reduce((sum, bytes) => sum + bytes, 0n);
}

/** What is left of a survey when records are removed: labels of others may go on naming them. */
function without(graph: Survey, removed: ReadonlySet<string>): Survey {
  const nodes = new Map<string, Known>();
  for (const node of graph.nodes.values()) {
    if (!removed.has(node.key)) nodes.set(node.key, node);
    else {
      const refs = node.refs.filter((_, i) => node.whys[i]?.by === 'back-label');
      nodes.set(node.key, { ...node, refs, parent: undefined, isFlat: false, isAbsent: true });
    }
  }
  return { ...graph, nodes, roots: graph.roots.filter((key) => !removed.has(key)) };
}

const isObject = (fact: Fact) => fact.fact === 'object';
const chosen = fc.tuple(facts, fc.array(fc.nat(), { minLength: 1, maxLength: 3 }));

/** Some objects with all their children, as only those can be removed. */
function pick(all: readonly Fact[], numbers: readonly number[]): ObjectId[] {
  const objects = all.filter(isObject);
  const ids = new Map<string, ObjectId>();
  const add = (id: ObjectId) => {
    ids.set(surveyKey(id), id);
    for (const { id: child, names } of objects)
      if (names?.by === 'parent' && child.namespace === id.namespace && id.kind === 'snapshots')
        if (names.object.name === id.name && !ids.has(surveyKey(child))) add(child);
  };
  for (const n of numbers) {
    const fact = objects[n % Math.max(objects.length, 1)];
    if (fact !== undefined) add(fact.id);
  }
  return [...ids.values()];
}

test('freedBy is the difference between what is reached with and without the objects', async () => {
  await fc.assert(
    fc.asyncProperty(chosen, async ([all, numbers]) => {
      const ids = pick(all, numbers);
      const inspector = inspectorOver(sourceOf(all), WHOLE);
      const { contentBytes, snapshotBytes, ingestBytes, objects } = await inspector.freedBy(ids);
      const graph = await surveyOf(all);
      const removed = new Set(ids.map(surveyKey));
      const smaller = without(graph, removed);
      const [before, after] = [await reachable(graph), await reachable(smaller)];
      expect(contentBytes + snapshotBytes + ingestBytes).toBe(
        bytesOf(graph, before) - bytesOf(smaller, after),
      );
      const count = [...graph.nodes.values()].filter(
        ({ key, isAbsent }) => !isAbsent && before.has(key) && (removed.has(key) || !after.has(key)),
      ).length;
      expect(objects).toBe(count);
    }),
    RUNS,
  );
});

test('what is kept has a path of real references from a root, and the rest is in the plan', async () => {
  await fc.assert(
    fc.asyncProperty(facts, async (all) => {
      const inspector = inspectorOver(sourceOf(all), WHOLE);
      const graph = await surveyOf(all);
      const live = await reachable(graph);
      const planned = new Set<string>();
      for await (const { object } of inspector.plan()) planned.add(surveyKey(object));
      for (const { id } of all.filter(isObject)) {
        const key = surveyKey(id);
        const told = await inspector.explain(id);
        expect(told.verdict).toBe(live.has(key) ? 'kept' : 'garbage');
        expect(planned.has(key)).toBe(!live.has(key));
        if (told.verdict !== 'kept') continue;
        const [root] = told.path;
        expect(graph.nodes.get(surveyKey(root?.object ?? id))?.root).toEqual(root?.why);
        expect(told.path.at(-1)?.object).toEqual(id);
        for (const [i, { object, why }] of told.path.entries()) {
          const before = told.path[i - 1];
          if (before === undefined) continue;
          const node = graph.nodes.get(surveyKey(before.object));
          const whys = node?.whys.filter((_, n) => node.refs[n] === surveyKey(object));
          expect(whys).toContainEqual(why);
        }
        // Each root that is told keeps it by itself, and without all of them it goes.
        const roots = new Set(told.roots.map(({ object }) => surveyKey(object)));
        expect(roots.size).toBe(told.rootCount);
        for (const only of roots) expect(await reachable({ ...graph, roots: [only] })).toContain(key);
        const others = graph.roots.filter((one) => !roots.has(one));
        expect(await reachable({ ...graph, roots: others })).not.toContain(key);
      }
    }),
    RUNS,
  );
});

test('the path is as short as any from its root', async () => {
  await fc.assert(
    fc.asyncProperty(facts, async (all) => {
      const graph = await surveyOf(all);
      for (const { id } of all.filter(isObject)) {
        const told = await inspectorOver(sourceOf(all), WHOLE).explain(id);
        if (told.verdict !== 'kept') continue;
        const [root] = told.path;
        expect(told.path.length - 1).toBe(distance(graph, surveyKey(root?.object ?? id), surveyKey(id)));
      }
    }),
    RUNS,
  );
});

function distance({ nodes }: Survey, from: string, to: string): number {
  let ring: Array<readonly [string, boolean]> = [[from, false]];
  const seen = new Set<string>();
  for (let steps = 0; ring.length > 0; steps++) {
    if (ring.some(([key]) => key === to)) return steps;
    ring = ring
      .filter((place) => seen.size < seen.add(JSON.stringify(place)).size)
      .flatMap(([key, isFlat]) => {
        const node = nodes.get(key);
        if (!isFlat) return (node?.refs ?? []).map((ref) => [ref, node?.isFlat === true] as const);
        return node?.parent === undefined ? [] : [[node.parent, true] as const];
      });
  }
  return Number.NaN;
}

test('a line of stores adds up, and the total counts what namespaces share once', async () => {
  await fc.assert(
    fc.asyncProperty(facts, async (all) => {
      const lines = await Array.fromAsync(inspectorOver(sourceOf(all), WHOLE).usage({ detail: true }));
      const graph = await surveyOf(all);
      const everything = bytesOf(graph, new Set(graph.nodes.keys()));
      const [total] = lines;
      expect(total).toMatchObject({ of: { type: 'total' }, sizeBytes: everything, unmeasured: 0 });
      const live = bytesOf(graph, await reachable(graph));
      expect(total?.reclaimableBytes).toBe(everything - live);
      for (const { of, sizeBytes, uniqueBytes, sharedBytes, reclaimableBytes } of lines) {
        const isStore = of.type === 'total' || (of.type === 'object' && of.object.kind === 'snapshots');
        if (isStore) expect(sizeBytes).toBe(uniqueBytes + sharedBytes + reclaimableBytes);
        if (of.type === 'namespace') expect(sizeBytes).toBe(uniqueBytes + sharedBytes);
        if (of.type !== 'object' || of.object.kind === 'snapshots') continue;
        const freed = await inspectorOver(sourceOf(all), WHOLE).freedBy([of.object]);
        expect(uniqueBytes).toBe(freed.contentBytes + freed.snapshotBytes + freed.ingestBytes);
      }
    }),
    { numRuns: 100 },
  );
});

test('unique is what one root keeps, shared what several do', async () => {
  await fc.assert(
    fc.asyncProperty(facts, async (all) => {
      const graph = await surveyOf(all);
      const reachedFrom = await Promise.all(
        graph.roots.map((root) => reachable({ ...graph, roots: [root] })),
      );
      const [total] = await Array.fromAsync(inspectorOver(sourceOf(all), WHOLE).usage());
      const several = new Set<string>();
      const objects = [...graph.nodes.values()].filter(({ isAbsent }) => !isAbsent);
      for (const { key, id } of objects) {
        // A blob is kept by whatever keeps one of its records.
        const records = objects.filter(({ id: { kind, name } }) =>
          id.kind === 'content' ? kind === 'content' && name === id.name : false,
        );
        const keys = [key, ...records.map((record) => record.key)];
        if (reachedFrom.filter((reached) => keys.some((one) => reached.has(one))).length > 1)
          several.add(key);
      }
      expect(total?.sharedBytes).toBe(bytesOf(graph, several));
    }),
    RUNS,
  );
});

test('the plan frees what no record that stays names, each unit once', async () => {
  await fc.assert(
    fc.asyncProperty(facts, async (all) => {
      const graph = await surveyOf(all);
      const plan: Removal[] = await Array.fromAsync(inspectorOver(sourceOf(all), WHOLE).plan());
      const frees = plan.reduce((sum, { freesBytes = 0n }) => sum + freesBytes, 0n);
      const everything = bytesOf(graph, new Set(graph.nodes.keys()));
      expect(frees).toBe(everything - bytesOf(graph, await reachable(graph)));
    }),
    RUNS,
  );
});
