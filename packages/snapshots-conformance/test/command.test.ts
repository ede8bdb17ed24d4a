import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { serveSnapshotter } from '@stowage/snapshots/serve';
import { cases } from '@stowage/snapshots-conformance';
import { MemorySnapshotter } from '@stowage/snapshots-conformance/memory';
import { parseArguments } from '../src/arguments.ts';

const MAIN = join(import.meta.dirname, '../src/main.ts');
const TARGET = `sha256:${'b'.repeat(64)}`;
let directory: string;
let socket: string;
let served: MemorySnapshotter;
let server: AsyncDisposable;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'snapshots-conformance-command-'));
  socket = join(directory, 'sock');
  served = new MemorySnapshotter({ remote: new Set([TARGET]) });
  server = await serveSnapshotter(served, { socket, name: 'mine' });
});
afterEach(async () => {
  await server[Symbol.asyncDispose]();
  await rm(directory, { recursive: true });
});

async function command(...args: string[]) {
  const child = spawn(process.execPath, ['--conditions=stowage-source', MAIN, ...args], {
    env: { ...process.env, NODE_OPTIONS: '' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const [out, err, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'close'),
  ]);
  return { out, err, code };
}

const mine = (...args: string[]) => command(`unix://${socket}`, '--snapshotter', 'mine', ...args);

function tally(out: string): number[] {
  return (out.split('\n').at(-2) ?? '').match(/\d+/g)?.map(Number) ?? [];
}

test('a proxy plugin without namespaces and leases passes, and nothing is left in it', async () => {
  const { out, err, code } = await mine('--remote', TARGET);
  expect({ err, code }).toEqual({ err: '', code: 0 });
  expect(out).toMatch(/^ok +harness\/starts-empty$/m);
  expect(out).toMatch(/^ok +remote\/hit-can-be-a-parent$/m);
  expect(out).toMatch(/^skipped +layers\/hide-what-they-delete: needs mounts$/m);
  const [passed = 0, failed, differs, skipped = 0] = tally(out);
  expect([passed + skipped, failed, differs]).toEqual([cases.length, 0, 0]);
  const claimed: readonly string[] = ['reopen', 'remote'];
  expect(skipped).toBe(cases.filter(({ needs = [] }) => needs.some((one) => !claimed.includes(one))).length);
  expect(await Array.fromAsync(served.list())).toEqual([]);
}, 120_000);

test('a case that fails is told with its reason, and with exit code 1', async () => {
  // It claims to rebase, which it does not.
  const { out, code } = await mine('--with', 'rebase', '--only', 'commit/onto');
  expect(out).toMatch(/^FAILED +commit\/onto-another-parent: commit snapshot "k": no rebase/m);
  expect(tally(out)).toEqual([0, 2, 0, 1]);
  expect(code).toBe(1);
  expect(await Array.fromAsync(served.list())).toEqual([]);
  const known = ['--differs', 'commit/onto-another-parent', '--only', 'commit/onto-another-parent'];
  expect(await mine('--with', 'rebase', ...known)).toMatchObject({
    out: expect.stringMatching(
      /^differs +commit\/onto-another-parent: .*\n.*\n0 passed, 0 failed, 1 differs/,
    ),
    code: 0,
  });
  expect(await mine(...known)).toMatchObject({ code: 0, out: expect.stringContaining('1 skipped') });
}, 120_000);

test('a snapshotter that has something in it is not touched', async () => {
  await served.prepare('precious', '');
  const { out, code } = await mine('--only', 'harness/');
  expect(out).toMatch(/^FAILED +harness\/starts-empty: .*precious.*need an empty snapshotter/m);
  expect(code).toBe(1);
  expect(await served.stat('precious')).toMatchObject({ kind: 'active' });
}, 60_000);

test('where nothing can be run the exit code is 2', async () => {
  const nobody = join(directory, 'nobody');
  expect(await command(nobody, '--snapshotter', 'mine')).toMatchObject({
    out: '',
    err: expect.stringContaining(nobody),
    code: 2,
  });
  expect(await command(socket, '--snapshotter', 'other')).toMatchObject({
    out: '',
    err: expect.stringMatching(/"other" is not here; there are mine/),
    code: 2,
  });
  expect(await command(socket)).toMatchObject({ out: '', err: expect.stringContaining('--help'), code: 2 });
}, 60_000);

test.each([
  [[], 'a socket'],
  [['sock'], '--snapshotter'],
  [['sock', '--snapshotter', 'mine', '--differs', 'nope'], '--differs nope'],
  [['sock', '--snapshotter', 'mine', '--only', 'nope'], '--only nope'],
  [['sock', '--snapshotter', 'mine', '--without', 'mounts'], '--without mounts: must be reopen'],
  [['sock', '--snapshotter', 'mine', '--with', 'nope'], '--with nope: must be one of mounts'],
  [['sock', '--snapshotter', 'mine', '--with', 'remote'], '--with remote'],
  [['sock', '--snapshotter', 'mine', '--label', 'a=b'], '--remote'],
  [['sock', '--snapshotter', 'mine', '--remote', 'x', '--label', '=b'], '--label =b'],
  [['sock', '--snapshotter', 'mine', '--timeout', 'soon'], '--timeout soon'],
  [['sock', 'sock', '--snapshotter', 'mine'], '"sock"'],
  [['sock', '--nope'], '--nope'],
])('%j is refused, naming what is wrong', (args, named) => {
  const refusal = { name: 'Fault', kind: 'invalid_argument', message: expect.stringContaining('--help') };
  expect(() => parseArguments(args)).toThrow(expect.objectContaining(refusal));
  expect(() => parseArguments(args)).toThrow(named);
});

test('help and the list of cases need no socket', async () => {
  expect(await command('--help')).toMatchObject({ out: expect.stringContaining('Exit code'), code: 0 });
  const { out, code } = await command('--list');
  expect(code).toBe(0);
  expect(out.trim().split('\n')).toHaveLength(cases.length);
  expect(out).toMatch(/^usage\/does-not-count-the-parent \(needs mounts, needs own-usage\)$/m);
}, 60_000);
