import { readdir, readFile, stat } from 'node:fs/promises';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { jsonBytes, TYPE_URL } from '@stowage/core';
import { census, eventually, Workbench } from './fixtures/workbench.ts';

let bench: Workbench;
let before: object;
beforeEach(async () => {
  bench = await Workbench.open();
  before = await census(bench);
});
afterEach(async () => {
  await using _ = bench;
});

const sleep = ['sh', '-c', 'while :; do sleep 0.05; done'];
const settled = () => eventually(async () => JSON.stringify(await census(bench)) === JSON.stringify(before));

async function run(id: string, args: readonly string[] = sleep): Promise<number> {
  const { pid } = await bench.tasks.create(await bench.container(id, args));
  await bench.tasks.start({ id });
  return pid;
}

async function addExec(id: string, execId: string): Promise<number> {
  const { process } = JSON.parse(await readFile(`${bench.bundle(id)}/config.json`, 'utf8'));
  const spec = jsonBytes(TYPE_URL.process, { ...process, args: ['sleep', '100'] });
  await bench.tasks.exec({ id, execId, spec, stdin: '', stdout: '', stderr: '', terminal: false });
  return (await bench.tasks.start({ id, execId })).pid;
}

const isThere = (path: string) =>
  stat(path).then(
    () => true,
    () => false,
  );

async function shimOf(id: string): Promise<number> {
  const { shimPid } = await bench.tasks.connect(id);
  return shimPid;
}

test('tasks are found again after a restart, and what ended in between is told once', async () => {
  const pid = await run('runs');
  await run('ends');
  await run('told', ['true']);
  await bench.tasks.wait({ id: 'told' });
  const ended = (await bench.tasks.state({ id: 'ends' })).pid;
  const added = await addExec('runs', 'extra');
  await bench.runtime[Symbol.asyncDispose]();
  process.kill(ended, 'SIGKILL');
  process.kill(added, 'SIGKILL');
  // Longer than it takes the shim to notice.
  await new Promise((resolve) => setTimeout(resolve, 300));
  await bench.reopen();
  const { tasks } = bench;
  expect((await Array.fromAsync(bench.runtime.list())).map(({ id }) => id).sort()).toEqual([
    'ends',
    'runs',
    'told',
  ]);
  expect(await tasks.state({ id: 'runs' })).toMatchObject({ status: 'running', pid });
  expect(await tasks.wait({ id: 'ends' })).toMatchObject({ exitStatus: 137 });
  expect(await tasks.wait({ id: 'runs', execId: 'extra' })).toMatchObject({ exitStatus: 137 });
  expect(await tasks.wait({ id: 'told' })).toMatchObject({ exitStatus: 0 });
  const exit = tasks.wait({ id: 'runs' });
  await tasks.kill({ id: 'runs', signal: 9 });
  expect(await exit).toMatchObject({ exitStatus: 137 });
  for (const id of ['runs', 'ends', 'told']) await tasks.delete({ id });
  // The shim tries for seconds to tell what nobody took.
  await new Promise((resolve) => setTimeout(resolve, 4000));
  expect(bench.topicsOf('ends')).toEqual(['create', 'start', 'exit', 'delete']);
  expect(bench.topicsOf('told')).toEqual(['create', 'start', 'exit', 'delete']);
  const runs = ['create', 'start', 'exec-added:extra', 'exec-started:extra', 'exit:extra', 'exit', 'delete'];
  expect(bench.topicsOf('runs')).toEqual(runs);
  await settled();
});

test('a shim that is killed is told soon, and nothing of it is left', async () => {
  const pid = await run('dies');
  const added = await addExec('dies', 'extra');
  await run('stays');
  const [exit, extra] = [bench.tasks.wait({ id: 'dies' }), bench.tasks.wait({ id: 'dies', execId: 'extra' })];
  const since = Date.now();
  process.kill(await shimOf('dies'), 'SIGKILL');
  expect(await exit).toMatchObject({ exitStatus: 137 });
  expect(await extra).toMatchObject({ exitStatus: 137 });
  await eventually(() => bench.topicsOf('dies').at(-1) === 'delete');
  // runc waits until whoever is process 1 has reaped the container's, which takes some a second.
  expect(Date.now() - since).toBeLessThan(5000);
  expect(bench.topicsOf('dies').slice(-3)).toEqual(['exit:extra', 'exit', 'delete']);
  expect(bench.eventOf('dies', '/tasks/exit')).toMatchObject({ id: 'dies', pid, exitStatus: 137 });
  await eventually(
    async () => !(await isThere(`/proc/${pid}/exe`)) && !(await isThere(`/proc/${added}/exe`)),
  );
  await eventually(async () => !(await isThere(bench.bundle('dies'))));
  await expect(bench.tasks.state({ id: 'dies' })).rejects.toMatchObject({ kind: 'not_found' });
  expect(await bench.tasks.state({ id: 'stays' })).toMatchObject({ status: 'running' });
  const stayed = bench.tasks.wait({ id: 'stays' });
  await bench.tasks.kill({ id: 'stays', signal: 9 });
  await stayed;
  await bench.tasks.delete({ id: 'stays' });
  await settled();
  // The id can be used again.
  await run('dies', ['true']);
  expect(await bench.tasks.wait({ id: 'dies' })).toMatchObject({ exitStatus: 0 });
  await bench.tasks.delete({ id: 'dies' });
  await settled();
});

test('a delete that meets a shim which was just killed answers how the container ended', async () => {
  await run('race', ['true']);
  expect(await bench.tasks.wait({ id: 'race' })).toMatchObject({ exitStatus: 0 });
  process.kill(await shimOf('race'), 'SIGKILL');
  const deleted = await bench.tasks.delete({ id: 'race' }).catch((e) => e);
  if (deleted.kind !== 'not_found') expect(deleted).toMatchObject({ exitStatus: 0 });
  await eventually(() => bench.topicsOf('race').at(-1) === 'delete');
  expect(bench.topicsOf('race')).toEqual(['create', 'start', 'exit', 'delete']);
  await settled();
});

test('a shim that died while nobody was there is buried at the next start', async () => {
  const pid = await run('gone');
  const shim = await shimOf('gone');
  await bench.runtime[Symbol.asyncDispose]();
  process.kill(shim, 'SIGKILL');
  await bench.reopen();
  expect(bench.topicsOf('gone')).toEqual(['create', 'start', 'exit', 'delete']);
  expect(bench.eventOf('gone', '/tasks/exit')).toMatchObject({ pid, exitStatus: 137 });
  expect(await Array.fromAsync(bench.runtime.list())).toEqual([]);
  expect(await readdir(`${bench.directory}/bundles`)).toEqual([]);
  await settled();
});

test('the init that is killed from outside is told with its signal', async () => {
  const pid = await run('init');
  const exit = bench.tasks.wait({ id: 'init' });
  process.kill(pid, 'SIGKILL');
  expect(await exit).toMatchObject({ exitStatus: 137 });
  await bench.tasks.delete({ id: 'init' });
  expect(bench.topicsOf('init')).toEqual(['create', 'start', 'exit', 'delete']);
  await settled();
});

/** A signal is on its way for a moment, to each of the threads. */
async function isStopped(pid: number): Promise<boolean> {
  const threads = await readdir(`/proc/${pid}/task`);
  const stats = await Promise.all(threads.map((tid) => readFile(`/proc/${pid}/task/${tid}/stat`, 'latin1')));
  return stats.every((stat) => /\) T /.test(stat));
}

test('a shim that is stopped disturbs its own container only, also across a restart', async () => {
  await run('slow');
  await run('quick');
  const shim = await shimOf('slow');
  process.kill(shim, 'SIGSTOP');
  await eventually(() => isStopped(shim));
  try {
    const asked = Promise.allSettled([bench.tasks.state({ id: 'slow' }), bench.tasks.state({ id: 'quick' })]);
    expect(await asked).toMatchObject([
      { reason: { kind: 'deadline_exceeded' } },
      { value: { status: 'running' } },
    ]);
    await bench.runtime[Symbol.asyncDispose]();
    await bench.reopen();
    expect(await bench.tasks.state({ id: 'quick' })).toMatchObject({ status: 'running' });
    expect(await Array.fromAsync(bench.runtime.list())).toHaveLength(2);
    const waiting = bench.tasks.wait({ id: 'slow' });
    process.kill(shim, 'SIGCONT');
    await bench.tasks.kill({ id: 'slow', signal: 9 });
    expect(await waiting).toMatchObject({ exitStatus: 137 });
  } finally {
    process.kill(shim, 'SIGCONT');
  }
  const quick = bench.tasks.wait({ id: 'quick' });
  await bench.tasks.kill({ id: 'quick', signal: 9 });
  await quick;
  for (const id of ['slow', 'quick']) await bench.tasks.delete({ id });
  await settled();
});
