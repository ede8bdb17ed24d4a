import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from '@jest/globals';
import {
  type Case,
  cases,
  report,
  type Subject,
  snapshotterConformance,
} from '@stowage/snapshots-conformance';
import { MemorySnapshotter } from '@stowage/snapshots-conformance/memory';

const run = promisify(execFile);
const subject: Subject = {
  name: 'in memory',
  capabilities: new Set(),
  open: async () => new MemorySnapshotter(),
};

/** The cases that are for a subject which claims nothing. */
const forAll = cases.filter(({ needs = [] }) => needs.length === 0);

async function underNodeTest(script: string) {
  const directory = await mkdtemp(join(import.meta.dirname, 'node-test-'));
  const file = join(directory, 'own.test.ts');
  await writeFile(file, script);
  const node = ['--conditions=stowage-source', '--test', '--test-reporter=tap', file];
  // Without this it would take itself for a child of another run.
  const env = { ...process.env, NODE_OPTIONS: '', NODE_TEST_CONTEXT: undefined };
  try {
    const { stdout } = await run(process.execPath, node, { env });
    return { code: 0, stdout };
  } catch (e) {
    const { code, stdout } = e as { code: number; stdout: string };
    return { code, stdout };
  } finally {
    await rm(directory, { recursive: true });
  }
}

const SCRIPT = `
import { describe, test } from 'node:test';
import { snapshotterConformance } from '@stowage/snapshots-conformance';
import { MemorySnapshotter } from '@stowage/snapshots-conformance/memory';
snapshotterConformance(
  { name: 'in memory', capabilities: new Set(CLAIMS), open: async () => new MemorySnapshotter() },
  { describe, test, skip: test.skip },
);
`;

test('node:test runs the cases, and skips those that need more', async () => {
  const { code, stdout } = await underNodeTest(SCRIPT.replace('CLAIMS', ''));
  expect(stdout).toMatch(/^ +ok \d+ - harness\/starts-empty$/m);
  expect(stdout).toMatch(/^ +ok \d+ - layers\/hide-what-they-delete \(needs mounts\) # SKIP$/m);
  expect(stdout).toMatch(new RegExp(`^# pass ${forAll.length}$`, 'm'));
  expect(stdout).toMatch(new RegExp(`^# skipped ${cases.length - forAll.length}$`, 'm'));
  expect(code).toBe(0);
}, 60_000);

test('a case that fails is a failure of node:test, by its id', async () => {
  const { code, stdout } = await underNodeTest(SCRIPT.replace('CLAIMS', "['rebase']"));
  expect(stdout).toMatch(/^ +not ok \d+ - commit\/onto-another-parent$/m);
  expect(code).toBe(1);
}, 60_000);

test('functions of the shape of vitest’s are enough', async () => {
  const ran: string[] = [];
  const skipped: string[] = [];
  const bodies: Array<() => Promise<void>> = [];
  // vitest's take options in the second or third place, and more on themselves.
  const describe = Object.assign((_name: string, body: () => void, _timeout?: number) => body(), {
    skip() {},
  });
  const it = Object.assign(
    (name: string, body?: () => Promise<void>, _timeout?: number) => {
      ran.push(name);
      if (body !== undefined) bodies.push(body);
    },
    { skip: (name: string, _body?: () => Promise<void>) => void skipped.push(name) },
  );
  snapshotterConformance(subject, { describe, test: it, skip: it.skip });
  expect(ran).toEqual(forAll.map(({ id }) => id));
  expect(ran.length + skipped.length).toBe(cases.length);
  await bodies[0]?.();
});

const good: Case = { id: 'good', run: async ({ snapshotter }) => void (await snapshotter.prepare('k', '')) };
const bad: Case = { id: 'bad', run: ({ snapshotter }) => snapshotter.remove('nobody') };
const outcomes = async (some: readonly Case[], options = {}) =>
  (await Array.fromAsync(report(subject, some, options))).map(({ id, how, reason }) => [id, how, reason]);

test('a report tells of each case how it ended, and why', async () => {
  const needy: Case = { ...bad, id: 'needy', needs: ['mounts', 'rebase'] };
  const old: Case = { ...bad, id: 'old', deprecated: 'nobody relies on it' };
  const hung: Case = { id: 'hung', run: () => new Promise(() => {}) };
  expect(await outcomes([good, needy, bad, old, hung], { timeoutMs: 2000 })).toEqual([
    ['good', 'passed', ''],
    ['needy', 'skipped', 'needs mounts, rebase'],
    ['bad', 'failed', expect.stringMatching(/^snapshot "nobody": not found$/)],
    ['old', 'skipped', 'deprecated: nobody relies on it'],
    ['hung', 'failed', 'it did not end within 2000 ms'],
  ]);
  expect(await outcomes([good, bad], { differs: new Set(['good', 'bad']) })).toEqual([
    ['good', 'failed', expect.stringContaining('it passes')],
    ['bad', 'differs', expect.stringContaining('nobody')],
  ]);
});
