import { access, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { conformanceKit, type KitCase, type KitSubject } from '@stowage/conformance';

type Feature = 'reopen' | 'speed';
interface Opened extends Partial<AsyncDisposable> {
  readonly root: string;
}
interface Context {
  readonly opened: Opened;
  reopen(): Promise<Opened>;
}
type Subject = KitSubject<Feature, Opened>;

const cases: ReadonlyArray<KitCase<Feature, Context>> = [
  { id: 'good', run: async () => {} },
  {
    id: 'bad',
    async run({ opened: { root } }) {
      await writeFile(join(root, 'left'), '');
      throw new Error('it is bad');
    },
  },
  { id: 'bad-and-clean', run: () => Promise.reject(new Error('it is bad')) },
  { id: 'needs-speed', needs: ['speed'], run: async () => {} },
  { id: 'refuses', without: 'reopen', run: async () => {} },
  { id: 'old', deprecated: 'nobody asks for it', run: async () => {} },
  { id: 'late', run: () => new Promise(() => {}) },
];
const kit = conformanceKit<Feature, Context, Opened, Subject>({
  name: 'test conformance',
  of: 'subjects',
  cases,
  context: (opened, reopen) => ({ opened, reopen }),
});
const subject: Subject = {
  name: 'mine',
  capabilities: new Set<Feature>(['reopen']),
  open: async (root) => ({ root }),
};

test('a report tells how each case ended, and why', async () => {
  const options = { differs: new Set(['bad-and-clean', 'good']), timeoutMs: 50 };
  expect(await Array.fromAsync(kit.report(subject, cases, options))).toEqual([
    { id: 'good', how: 'failed', reason: 'it passes, though it was said to differ' },
    { id: 'bad', how: 'failed', reason: expect.stringMatching(/^it is bad \(files kept in \/.*\)$/) },
    { id: 'bad-and-clean', how: 'differs', reason: 'it is bad' },
    { id: 'needs-speed', how: 'skipped', reason: 'needs speed' },
    { id: 'refuses', how: 'skipped', reason: 'for subjects without reopen' },
    { id: 'old', how: 'skipped', reason: 'deprecated: nobody asks for it' },
    { id: 'late', how: 'failed', reason: 'it did not end within 50 ms' },
  ]);
});

test('a runner gets a test of each case; what differs must fail, and be a case', async () => {
  const tests = new Map<string, () => Promise<void>>();
  const skipped: string[] = [];
  const groups: string[] = [];
  const runner = {
    describe: (name: string, body: () => void) => {
      groups.push(name);
      body();
    },
    test: (name: string, body: () => Promise<void>) => void tests.set(name, body),
    skip: (name: string) => void skipped.push(name),
  };
  const differences = { 'bad-and-clean': 'it is bad', good: 'it is not', 'no-case': 'what' };
  kit.bind({ ...subject, differences }, runner);
  expect(groups).toEqual(['test conformance: mine']);
  expect(skipped).toEqual([
    'needs-speed (needs speed)',
    'refuses (for subjects without reopen)',
    'old (deprecated: nobody asks for it)',
  ]);
  await tests.get('bad-and-clean differs: it is bad')?.();
  await expect(tests.get('good differs: it is not')?.()).rejects.toThrow('take it off the list');
  await expect(tests.get('the list of differences names cases')?.()).rejects.toThrow('no-case');
  expect([...tests.keys()]).toContain('bad');
});

test('what was opened last is disposed before the end; the directory goes with a case that passed', async () => {
  const told: string[] = [];
  let directory = '';
  const disposed: Subject = {
    ...subject,
    async open(root) {
      directory = root;
      told.push('open');
      return { root, [Symbol.asyncDispose]: async () => void told.push('dispose') };
    },
    end: async () => void told.push('end'),
  };
  await kit.runCase({ id: 'again', run: async ({ reopen }) => void (await reopen()) }, disposed);
  expect(told).toEqual(['open', 'dispose', 'open', 'dispose', 'end']);
  await expect(access(directory)).rejects.toMatchObject({ code: 'ENOENT' });
});

test('a failure to open is a failure of the case, and ended', async () => {
  const closed: Subject = { ...subject, open: () => Promise.reject(new Error('it is closed')) };
  await expect(kit.runCase({ id: 'good', run: async () => {} }, closed)).rejects.toThrow(
    /^good: it is closed$/,
  );
});
