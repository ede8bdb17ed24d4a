import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import type { Grouping } from '../src/daemon/groups.ts';
import { eventually, gone, type Spec, Workbench } from './fixtures/workbench.ts';

const PATIENCE_MS = 20_000;
const SANDBOX = 'io.kubernetes.cri.sandbox-id';
const GROUP = 'io.containerd.runc.v2.group';

let bench: Workbench;
beforeEach(async () => {
  bench = await Workbench.open();
});
afterEach(async () => {
  await bench[Symbol.asyncDispose]();
});

async function reopen(supervisors: Grouping): Promise<void> {
  await bench.runtime[Symbol.asyncDispose]();
  await bench.reopen({ supervisors });
}

const annotated = (annotations: Record<string, string>) => (spec: Spec) => {
  spec.annotations = annotations;
};

async function started(
  id: string,
  {
    namespace = bench.namespace,
    annotations,
  }: { namespace?: string; annotations?: Record<string, string> } = {},
): Promise<number> {
  const tasks = bench.runtime.tasks(namespace);
  const change = annotated(annotations ?? {});
  const { pid } = await tasks.create(await bench.container(id, ['sleep', '1000'], { change }));
  await tasks.start({ id });
  return pid;
}

async function end(id: string, namespace = bench.namespace): Promise<void> {
  const tasks = bench.runtime.tasks(namespace);
  await tasks.kill({ id, signal: 9 });
  await tasks.wait({ id });
  await tasks.delete({ id });
}

/** By the label of their group, their pids. */
async function groups(): Promise<Record<string, number>> {
  const found = [...(await bench.supervisors()).values()];
  return Object.fromEntries(found.map(({ info }) => [info.group, info.pid]));
}

const listed = async () => (await Array.fromAsync(bench.runtime.list())).map(({ id }) => id).sort();

test('by namespace: one supervisor for each, which ends some time after its last container', async () => {
  await reopen('namespace');
  const other = `${bench.namespace}-other`;
  await started('a');
  await started('b');
  await started('c', { namespace: other });
  const [mine, theirs] = [`namespace ${bench.namespace}`, `namespace ${other}`];
  const pids = await groups();
  expect(Object.keys(pids).sort()).toEqual([mine, theirs]);
  expect(await listed()).toEqual(['a', 'b', 'c']);
  await end('a');
  await end('c', other);
  // Within its rest the next container finds it.
  await started('c', { namespace: other });
  expect(await groups()).toEqual(pids);
  await end('c', other);
  await eventually(async () => (await readdir(join(bench.state, 'supervisor'))).length === 1, PATIENCE_MS);
  await gone(pids[theirs] ?? 0);
  expect(await groups()).toEqual({ [mine]: pids[mine] });
  // Later, too, there is one again.
  await started('c', { namespace: other });
  expect(Object.keys(await groups()).sort()).toEqual([mine, theirs]);
  await end('c', other);
  await end('b');
  await eventually(async () => (await readdir(join(bench.state, 'supervisor'))).length === 0, PATIENCE_MS);
}, 60_000);

test('by pod: containers of one sandbox or group share a supervisor, and one of no pod is alone', async () => {
  await reopen('pod');
  await started('pause', { annotations: { [SANDBOX]: 'p1' } });
  await started('app', { annotations: { [SANDBOX]: 'p1', other: 'x' } });
  await started('grouped', { annotations: { [SANDBOX]: 'p1', [GROUP]: 'g' } });
  await started('alone');
  const { namespace } = bench;
  expect(Object.keys(await groups()).sort()).toEqual([
    `container ${namespace}/alone`,
    `pod ${namespace}/g`,
    `pod ${namespace}/p1`,
  ]);
  for (const id of ['pause', 'app', 'grouped', 'alone']) {
    await end(id);
    expect(bench.topicsOf(id)).toEqual(['create', 'start', 'exit', 'delete']);
  }
  await eventually(async () => (await readdir(join(bench.state, 'supervisor'))).length === 0, PATIENCE_MS);
}, 60_000);

test('a supervisor that hangs or dies disturbs its own containers alone', async () => {
  await reopen('namespace');
  const other = `${bench.namespace}-other`;
  await started('mine');
  await started('theirs', { namespace: other });
  const before = await groups();
  const stopped = before[`namespace ${other}`] ?? 0;
  process.kill(stopped, 'SIGSTOP');
  expect(await listed()).toEqual(['mine', 'theirs']);
  await started('more');
  await end('more');
  await reopen('namespace');
  expect(await listed()).toEqual(['mine']);
  await end('mine');
  // It dies: its container goes on, in the supervisor of its own group.
  process.kill(stopped, 'SIGKILL');
  await eventually(async () => (await listed()).length === 1, PATIENCE_MS);
  expect(await bench.runtime.tasks(other).state({ id: 'theirs' })).toMatchObject({ status: 'running' });
  expect(Object.keys(await groups())).toContain(`namespace ${other}`);
  await end('theirs', other);
  await eventually(async () => (await readdir(join(bench.state, 'supervisor'))).length === 0, PATIENCE_MS);
}, 60_000);

test('another setting is followed by new containers alone, and the supervisor of all ends with its last', async () => {
  await started('all');
  const [pid] = Object.values(await groups());
  await reopen('namespace');
  await started('mine');
  expect(await groups()).toMatchObject({ '': pid, [`namespace ${bench.namespace}`]: expect.any(Number) });
  await end('all');
  await eventually(async () => !('' in (await groups())), PATIENCE_MS);
  await reopen('one');
  await started('again');
  expect(Object.keys(await groups()).sort()).toEqual(['', `namespace ${bench.namespace}`]);
  await end('mine');
  await eventually(async () => Object.keys(await groups()).length === 1, PATIENCE_MS);
  await end('again');
}, 60_000);
