import { rm } from 'node:fs/promises';
import { afterAll, expect, test } from '@jest/globals';
import { Mounter } from '@stowage/linux/mounter';
import { cases, runCase, type Subject } from '@stowage/snapshots-conformance';
import { callMutants } from './mutants/calls.ts';
import { factMutants } from './mutants/facts.ts';
import { copyingSubject, fileMutants } from './mutants/files.ts';
import { memorySubject, TARGET } from './mutants/mutant.ts';

const mounter = new Mounter();
afterAll(() => mounter[Symbol.asyncDispose]());

const mutants = [...callMutants, ...factMutants, ...fileMutants(mounter)];
const checks = mutants.flatMap((mutant) => mutant.caughtBy.map((id) => [mutant.name, id, mutant] as const));

test.each(checks)(
  'a snapshotter where %s is caught by %s',
  async (_, id, { subject }) => {
    expect({ id, outcome: await verdict(id, subject) }).not.toEqual({ id, outcome: 'passed' });
  },
  120_000,
);

test('every case catches one at least', () => {
  const caught = new Set(mutants.flatMap(({ caughtBy }) => caughtBy));
  expect(cases.map(({ id }) => id).filter((id) => !caught.has(id))).toEqual([]);
});

test('snapshotters behind the same wrappers that are not broken pass', async () => {
  const whole = [
    memorySubject('memory', () => ({})),
    memorySubject('with rebase', () => ({}), { rebase: true }),
    memorySubject('remote', () => ({}), { remote: new Set([TARGET]) }),
    copyingSubject('copying', mounter),
  ];
  for (const subject of whole) {
    for (const { id, needs = [], without } of cases) {
      const fits = needs.every((need) => subject.capabilities.has(need));
      if (!fits || (without !== undefined && subject.capabilities.has(without))) continue;
      expect([subject.name, id, await verdict(id, subject)]).toEqual([subject.name, id, 'passed']);
    }
  }
}, 300_000);

test('ids are unique and say what they are about', () => {
  const ids = cases.map(({ id }) => id);
  expect(new Set(ids).size).toBe(ids.length);
  for (const id of ids) expect(id).toMatch(/^[a-z]+\/[a-z0-9-]+$/);
});

/** What a case says of a subject: `passed`, or why not. Leaves no files. */
async function verdict(id: string, subject: Subject): Promise<string> {
  const one = cases.find((c) => c.id === id);
  if (one === undefined) throw new Error(`no case ${id}`);
  const roots: string[] = [];
  const open = (root: string) => {
    roots.push(root);
    return subject.open(root);
  };
  try {
    await runCase(one, { ...subject, open });
    return 'passed';
  } catch (e) {
    return (e as Error).message;
  } finally {
    for (const root of roots) await rm(root, { recursive: true, force: true });
  }
}
