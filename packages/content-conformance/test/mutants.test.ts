import { rm } from 'node:fs/promises';
import { expect, test } from '@jest/globals';
import { cases, damageIn, type OpenStore, runCase } from '@stowage/content-conformance';
import { LocalContentStore } from '@stowage/content-store';
import { altered, type Mutant, mutants } from './mutants.ts';

const checks = mutants.flatMap((mutant) => mutant.caughtBy.map((id) => [mutant.name, id, mutant] as const));

test.each(checks)('a store where %s is caught by %s', async (_, id, mutant) => {
  expect(await verdict(id, mutant)).toMatch(/^.*\(files kept in .*\)$/s);
});

test('ids are unique, and each case says what it is about', () => {
  const ids = cases.map(({ id }) => id);
  expect(new Set(ids).size).toBe(ids.length);
  for (const id of ids) expect(id).toMatch(/^[a-z]+\/[a-z0-9-]+$/);
});

/** What a case says of a mutant; undefined if nothing. */
async function verdict(id: string, mutant: Mutant): Promise<string | undefined> {
  const one = cases.find((c) => c.id === id);
  if (one === undefined) throw new Error(`no case ${id}`);
  const roots: string[] = [];
  const subject = {
    name: mutant.name,
    capabilities: new Set<never>(),
    async open(root: string) {
      roots.push(root);
      const local = await LocalContentStore.open(root);
      const whole: OpenStore = Object.assign(local, { verifier: local, damage: damageIn(root) });
      return altered(whole, mutant.breakIt(whole));
    },
  };
  try {
    await runCase(one, subject);
    return undefined;
  } catch (e) {
    return (e as Error).message;
  } finally {
    for (const root of roots) await rm(root, { recursive: true, force: true });
  }
}

test('an unbroken store behind the same proxy passes', async () => {
  const unbroken: Mutant = { name: 'unbroken', caughtBy: [], breakIt: () => ({}) };
  for (const id of new Set(mutants.flatMap(({ caughtBy }) => caughtBy))) {
    expect([id, await verdict(id, unbroken)]).toEqual([id, undefined]);
  }
});
