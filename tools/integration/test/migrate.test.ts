import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { connect } from '@stowage/client';
import { migrate, type Step } from '@stowage/migrate';
import { demoArchive, mustCtr, type Program, startContainerd } from '@stowage/testing';
import { mustStowage, stowage } from '../cli.ts';
import { withDaemon } from '../suite.ts';

const IMAGE = 'example.org/demo:1';
let containerd: Program & { readonly address: string };
// Before the census, so before it is set up.
afterAll(async () => {
  if (containerd === undefined) return;
  await there('tasks', 'kill', '-s', 'KILL', 'runs');
  await there('tasks', 'rm', '-f', 'runs').catch(() => undefined);
  for (const id of ['wrote', 'orphan', 'runs']) await there('containers', 'rm', id);
  await containerd[Symbol.asyncDispose]();
}, 60_000);

const suite = withDaemon('migrate');
const there = (...args: string[]) => mustCtr(containerd.address, args);
const here = (...args: string[]) => mustCtr(suite.daemon.address, args);

beforeAll(async () => {
  containerd = await startContainerd(join(suite.dir, 'containerd'));
  const archive = await demoArchive(join(suite.dir, 'image'), IMAGE);
  await there('images', 'import', archive);
  await there('images', 'label', IMAGE, 'kept=yes');
  await there('images', 'tag', IMAGE, 'example.org/gone:1');
  await there(
    'run',
    '--label',
    'who=me',
    '--env',
    'A=b',
    IMAGE,
    'wrote',
    'sh',
    '-c',
    'echo mine > /file; rm -f /etc/passwd',
  );
  await there('run', '--rm', IMAGE, 'temporary', 'true');
  // Of an image that is no more.
  await there('run', 'example.org/gone:1', 'orphan', 'sh', '-c', 'echo orphan > /file');
  await there('images', 'rm', 'example.org/gone:1');
  await there('run', '-d', IMAGE, 'runs', 'sh', '-c', 'echo runs > /file; while :; do sleep 0.1; done');
  for (const id of ['wrote', 'orphan']) await there('tasks', 'rm', id).catch(() => undefined);
}, 120_000);

const fromThere = (namespace: string) => connect(containerd.address, { namespace });
const toHere = (namespace: string) => connect(suite.daemon.address, { namespace });

async function run(options: Parameters<typeof migrate>[2] = {}) {
  const steps: Step[] = [];
  const counts = await migrate(fromThere, toHere, {
    namespaces: [suite.namespace],
    ...options,
    onStep: (step) => steps.push(step),
  });
  return { counts, steps };
}

test('a dry run tells what would be copied, and copies nothing', async () => {
  const { counts, steps } = await run({ dryRun: true });
  expect(counts.container).toMatchObject({ would: 3, copied: 0, failed: 0 });
  expect(steps.find(({ kind }) => kind === 'image')).toMatchObject({ name: IMAGE, state: 'would' });
  expect(await here('images', 'ls', '-q')).toBe('');
});

test('images, content and containers with their files come over, and run here', async () => {
  const { counts, steps } = await run();
  expect(steps.filter(({ state }) => state === 'failed')).toEqual([]);
  expect(counts).toMatchObject({ image: { copied: 1, failed: 0 }, container: { copied: 3, failed: 0 } });
  expect(counts.blob?.copied).toBeGreaterThan(2);
  expect(steps.find(({ name }) => name === 'runs')?.reason).toContain('it runs there');
  await using client = toHere(suite.namespace);
  const { services } = client;
  expect((await services.images.get(IMAGE)).labels).toMatchObject({ kept: 'yes' });
  expect((await services.containers.get('wrote')).labels).toMatchObject({ who: 'me' });
  for (const [id, file] of [
    ['wrote', 'mine'],
    ['orphan', 'orphan'],
    ['runs', 'runs'],
  ] as const) {
    const { snapshotter, snapshotKey } = await services.containers.get(id);
    const mounts = await services.snapshotter(snapshotter).mounts(snapshotKey);
    const upper = mounts.flatMap(({ options }) => options).find((option) => option.startsWith('upperdir='));
    const written = String(upper?.slice('upperdir='.length));
    expect(await readFile(join(written, 'file'), 'utf8')).toBe(`${file}\n`);
    // A whiteout.
    if (id === 'wrote') expect((await stat(join(written, 'etc/passwd'))).isCharacterDevice()).toBe(true);
  }
  // It does here what it did there.
  await here('tasks', 'start', 'wrote');
  await here('tasks', 'rm', 'wrote').catch(() => undefined);
  await here('run', '--rm', IMAGE, 'new', 'true');
}, 120_000);

test('once more changes nothing, after a collection too', async () => {
  await here('leases', 'create', '--id', 'collected');
  await here('leases', 'rm', '--sync', 'collected');
  const { counts, steps } = await run();
  expect(steps.filter(({ state }) => state !== 'exists')).toEqual([]);
  expect(counts.container).toMatchObject({ exists: 3, copied: 0 });
}, 60_000);

test('the command tells what it did; a namespace that is not there is told', async () => {
  const out = await mustStowage(suite.daemon.address, [
    'migrate',
    '--from',
    containerd.address,
    '--only',
    suite.namespace,
  ]);
  expect(out).toMatch(/containers: +0 copied, 3 there already/);
  expect(
    await stowage(suite.daemon.address, ['migrate', '--from', containerd.address, '--only', 'nowhere']),
  ).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('there is no namespace nowhere'),
  });
  for (const id of ['wrote', 'orphan', 'runs']) await here('containers', 'rm', id);
}, 60_000);
