import { rm } from 'node:fs/promises';
import { expect, test } from '@jest/globals';
import { Exchange } from '@stowage/events/exchange';
import { Metadata } from '@stowage/metadata';
import {
  cases,
  type MetadataServices,
  metadataConformance,
  runCase,
  type Subject,
} from '@stowage/metadata-conformance';
import { mutants } from './mutants.ts';

const checks = mutants.flatMap((mutant) => mutant.caughtBy.map((id) => [mutant.name, id, mutant] as const));

test.each(checks)('where %s, it is caught by %s', async (_, id, { breakIt }) => {
  expect(await verdict(id, breakIt)).toMatch(/^.*\(files kept in .*\)$/s);
});

test('unbroken services behind the same wrapper pass', async () => {
  const unbroken = (services: MetadataServices): MetadataServices => ({
    ...services,
    scope: (scope) => ({ ...services.scope(scope) }),
  });
  for (const id of new Set(mutants.flatMap(({ caughtBy }) => caughtBy)))
    expect([id, await verdict(id, unbroken)]).toEqual([id, undefined]);
});

test('ids are unique, and each case says what it is about', () => {
  const ids = cases.map(({ id }) => id);
  expect(new Set(ids).size).toBe(ids.length);
  for (const id of ids) expect(id).toMatch(/^[a-z]+\/[a-z0-9-]+$/);
});

test('a known difference must be one', async () => {
  const id = 'images/need-a-name-and-a-whole-target';
  const bodies = new Map<string, () => Promise<void>>();
  const differences = { [id]: 'is untrue', 'images/no-such-case': 'is nothing' };
  metadataConformance(
    { ...subjectOf(id, (services) => services, []), differences },
    {
      describe: (_, body) => body(),
      test: (name, body) => void bodies.set(name, body),
      skip: () => undefined,
    },
  );
  await expect(bodies.get(`${id} differs: is untrue`)?.()).rejects.toThrow('take it off the list');
  await expect(bodies.get('the list of differences names cases')?.()).rejects.toThrow('images/no-such-case');
});

/** What a case says of services; undefined if nothing. */
async function verdict(id: string, breakIt: (services: MetadataServices) => MetadataServices) {
  const one = cases.find((c) => c.id === id);
  if (one === undefined) throw new Error(`no case ${id}`);
  const roots: string[] = [];
  try {
    await runCase(one, subjectOf(id, breakIt, roots));
    return undefined;
  } catch (e) {
    return (e as Error).message;
  } finally {
    for (const root of roots) await rm(root, { recursive: true, force: true });
  }
}

function subjectOf(
  name: string,
  breakIt: (services: MetadataServices) => MetadataServices,
  roots: string[],
): Subject {
  return {
    name,
    capabilities: new Set(['sandboxes', 'reopen']),
    async open(root) {
      roots.push(root);
      const events = new Exchange();
      const metadata = await Metadata.open(root, { events });
      const { namespaces } = metadata;
      return {
        ...breakIt({ events, namespaces, scope: (scope) => metadata.scope(scope) }),
        [Symbol.asyncDispose]: () => metadata[Symbol.asyncDispose](),
      };
    },
  };
}
