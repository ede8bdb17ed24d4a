import { createReadStream } from 'node:fs';
import { mkdir, open, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { jsonBytes, TYPE_URL } from '@stowage/core';
import { layout } from '../src/layout.ts';
import { census, eventually, gone, Workbench } from './fixtures/workbench.ts';

let bench: Workbench;
beforeEach(async () => {
  bench = await Workbench.open();
});
afterEach(async () => {
  await bench[Symbol.asyncDispose]();
});

async function started(...container: Parameters<Workbench['container']>): Promise<number> {
  const { pid } = await bench.tasks.create(await bench.container(...container));
  await bench.tasks.start({ id: container[0] });
  return pid;
}

/** Ends this side of the daemon as its death would: without a word to the supervisor. */
async function restart(): Promise<void> {
  await bench.runtime[Symbol.asyncDispose]();
  await bench.reopen();
}

/** Returns when it is dead, and where a runtime is there, when that has another one. */
async function killSupervisor({ replaced = true } = {}): Promise<number> {
  const pid = await bench.supervisorPid();
  process.kill(pid, 'SIGKILL');
  await gone(pid);
  const isReplaced = async () => (await bench.supervisorPid().catch(() => pid)) !== pid;
  if (replaced) await eventually(isReplaced, 20_000);
  return pid;
}

test('a daemon that comes back finds its containers, with output and exit', async () => {
  const stdout = await bench.fifo('out');
  const stdin = await bench.fifo('in');
  const pid = await started('c', ['sh', '-c', 'echo before; read x; echo "after $x"; exit 7'], {
    stdin,
    stdout,
  });
  const reader = createReadStream(stdout);
  const output = text(reader);
  const supervisor = await bench.supervisorPid();
  await restart();
  expect(await bench.supervisorPid()).toBe(supervisor);
  expect(await Array.fromAsync(bench.runtime.list())).toEqual([{ namespace: bench.namespace, id: 'c' }]);
  expect(await bench.tasks.state({ id: 'c' })).toMatchObject({ pid, status: 'running', stdin, stdout });
  const exit = bench.tasks.wait({ id: 'c' });
  await using keyboard = await open(stdin, 'w');
  await keyboard.writeFile('restart\n');
  expect(await exit).toMatchObject({ exitStatus: 7 });
  expect(await output).toBe('before\nafter restart\n');
  await bench.tasks.delete({ id: 'c' });
  expect(bench.topicsOf('c')).toEqual(['create', 'start', 'exit', 'delete']);
});

test('an exit while no daemon watches is told to the next one, with its time', async () => {
  await started('c', ['sh', '-c', 'sleep 0.2; exit 33']);
  const pid = (await bench.tasks.state({ id: 'c' })).pid;
  await bench.runtime[Symbol.asyncDispose]();
  await gone(pid);
  const before = new Date();
  await new Promise((resolve) => setTimeout(resolve, 300));
  await bench.reopen();
  const { exitStatus, exitedAt } = await bench.tasks.wait({ id: 'c' });
  expect(exitStatus).toBe(33);
  expect(exitedAt.getTime()).toBeLessThanOrEqual(before.getTime() + 50);
  await eventually(() => bench.topicsOf('c').includes('exit'));
  expect(bench.topicsOf('c')).toEqual(['create', 'start', 'exit']);
  await bench.tasks.delete({ id: 'c' });
});

test('events that nobody passed on come again, those that somebody did do not', async () => {
  await started('c', ['sleep', '1000']);
  await restart();
  await new Promise((resolve) => setTimeout(resolve, 100));
  expect(bench.topicsOf('c')).toEqual(['create', 'start']);
  await bench.tasks.kill({ id: 'c', signal: 9 });
  await bench.tasks.wait({ id: 'c' });
  await bench.tasks.delete({ id: 'c' });
});

test('a supervisor that is killed is replaced: containers go on, and whoever waits is told', async () => {
  const stdout = await bench.fifo('out');
  const [stdin, execOut] = [await bench.fifo('in'), await bench.fifo('exec-out')];
  const pid = await started('c', ['sh', '-c', 'read x; echo "got $x"; exit 5'], { stdin, stdout });
  const exec = { id: 'c', execId: 'e' };
  const spec = jsonBytes(TYPE_URL.process, {
    args: ['sh', '-c', 'sleep 4; exit 6'],
    cwd: '/',
    env: ['PATH=/bin'],
  });
  await bench.tasks.exec({ ...exec, stdin: '', stdout: execOut, stderr: '', terminal: false, spec });
  await bench.tasks.start(exec);
  const [exit, execExit] = [bench.tasks.wait({ id: 'c' }), bench.tasks.wait(exec)];
  // While no supervisor is there to hold it open, only this does.
  await using keyboard = await open(stdin, 'w');
  const old = await killSupervisor();
  expect((await stat(`/proc/${pid}`)).isDirectory()).toBe(true);
  expect(await bench.tasks.state({ id: 'c' })).toMatchObject({ pid, status: 'running' });
  expect(await bench.supervisorPid()).not.toBe(old);
  expect(await execExit).toMatchObject({ exitStatus: 6 });
  await keyboard.writeFile('there\n');
  expect(await exit).toMatchObject({ exitStatus: 5 });
  // Read only now: the new supervisor holds what was written.
  expect(await text(createReadStream(stdout))).toBe('got there\n');
  await bench.tasks.delete({ id: 'c' });
  expect(bench.topicsOf('c')).toEqual([
    'create',
    'start',
    'exec-added:e',
    'exec-started:e',
    'exit:e',
    'exit',
    'delete',
  ]);
  expect(await census(bench)).toMatchObject({ mounts: 0, cgroups: [], tasks: [], containers: [] });
});

test('an exit between two supervisors is told as unknown, at the worst', async () => {
  const pid = await started('c', ['sleep', '1000']);
  await bench.runtime[Symbol.asyncDispose]();
  await killSupervisor({ replaced: false });
  process.kill(pid, 'SIGTERM');
  process.kill(pid, 'SIGKILL');
  await gone(pid);
  await bench.reopen();
  const { exitStatus } = await bench.tasks.wait({ id: 'c' });
  expect([137, 255]).toContain(exitStatus);
  await bench.tasks.delete({ id: 'c' });
  expect(bench.topicsOf('c')).toEqual(['create', 'start', 'exit', 'delete']);
});

test('a container that was created but not started can be started by the next supervisor', async () => {
  const stdout = await bench.fifo('out');
  await bench.tasks.create(await bench.container('c', ['echo', 'late'], { stdout }));
  await killSupervisor();
  const exit = bench.tasks.wait({ id: 'c' });
  await bench.tasks.start({ id: 'c' });
  expect(await exit).toMatchObject({ exitStatus: 0 });
  expect(await text(createReadStream(stdout))).toBe('late\n');
  await bench.tasks.delete({ id: 'c' });
});

test('a paused container stays paused, a stopped one stopped', async () => {
  await started('p', ['sleep', '1000']);
  await started('s', ['sh', '-c', 'exit 4']);
  await bench.tasks.pause('p');
  await bench.tasks.wait({ id: 's' });
  await killSupervisor();
  expect(await bench.tasks.state({ id: 's' })).toMatchObject({ status: 'stopped', exitStatus: 4 });
  expect(await bench.tasks.state({ id: 'p' })).toMatchObject({ status: 'paused' });
  await bench.tasks.resume('p');
  await bench.tasks.kill({ id: 'p', signal: 9 });
  expect(await bench.tasks.wait({ id: 'p' })).toMatchObject({ exitStatus: 137 });
  await bench.tasks.delete({ id: 'p' });
  await bench.tasks.delete({ id: 's' });
});

test('a supervisor killed while it makes a container leaves nothing of it', async () => {
  await started('first', ['true']);
  const creating = bench.tasks.create(await bench.container('c', ['sleep', '1000']));
  creating.catch(() => {});
  await new Promise((resolve) => setTimeout(resolve, 10));
  await killSupervisor();
  await expect(creating).rejects.toMatchObject({ kind: 'unavailable' });
  await bench.tasks.wait({ id: 'first' });
  await bench.tasks.delete({ id: 'first' });
  await expect(bench.tasks.state({ id: 'c' })).rejects.toMatchObject({ kind: 'not_found' });
  expect(await census(bench)).toMatchObject({ mounts: 0, tasks: [] });
  const again = await bench.tasks.create(await bench.container('c', ['true']));
  expect(again.pid).toBeGreaterThan(0);
  await bench.tasks.delete({ id: 'c' });
});

test('what a supervisor left that was killed while it deleted a task goes with the next one', async () => {
  await started('c', ['sleep', '1000']);
  const tasks = layout(bench.state).tasks;
  const left = join(tasks, bench.namespace, 'half-deleted');
  const claim = join(tasks, bench.namespace, '.claim:somebody-else:c2');
  for (const directory of [left, claim]) await mkdir(directory);
  await writeFile(join(left, 'task.json.new'), '{');
  await killSupervisor();
  await eventually(async () => !(await readdir(join(tasks, bench.namespace))).includes('half-deleted'));
  expect((await readdir(join(tasks, bench.namespace))).sort()).toEqual(['.claim:somebody-else:c2', 'c']);
});

test('what one left that was killed without tasks goes with it, since no other one is needed', async () => {
  await started('c', ['true']);
  await bench.tasks.wait({ id: 'c' });
  await bench.tasks.delete({ id: 'c' });
  const [found] = await bench.supervisors();
  const tasks = join(layout(bench.state).tasks, bench.namespace);
  for (const name of ['half-deleted', `.claim:${found?.[0]}:c2`]) await mkdir(join(tasks, name));
  await killSupervisor({ replaced: false });
  await eventually(async () => (await readdir(tasks)).length === 0);
  expect(await bench.supervisors()).toEqual(new Map());
});

test('a call that the death of the supervisor ends is unavailable, whoever notices first', async () => {
  await started('c', ['sleep', '1000']);
  const made = [1, 2, 3, 4].map(async (n) => bench.tasks.create(await bench.container(`m${n}`, ['true'])));
  const ends = Promise.allSettled(made);
  await delay(30);
  const old = await killSupervisor({ replaced: false });
  for (const end of await ends)
    if (end.status === 'rejected') expect(end.reason).toMatchObject({ kind: 'unavailable' });
  await eventually(async () => (await bench.supervisorPid().catch(() => old)) !== old, 20_000);
});

test('a runtime that owns its supervisor takes all with it', async () => {
  await bench.runtime[Symbol.asyncDispose]();
  await bench.reopen({ lifetime: 'owned' });
  const pid = await started('c', ['sleep', '1000']);
  const supervisor = await bench.supervisorPid();
  await bench.runtime[Symbol.asyncDispose]();
  await gone(pid);
  await gone(supervisor);
  expect(await census(bench)).toMatchObject({ mounts: 0, tasks: [], containers: [] });
});

test('with no tasks nothing is started, and nothing is there', async () => {
  expect(await Array.fromAsync(bench.runtime.list())).toEqual([]);
  await expect(bench.tasks.state({ id: 'c' })).rejects.toMatchObject({ kind: 'not_found' });
  await expect(bench.tasks.wait({ id: 'c' })).rejects.toMatchObject({ kind: 'not_found' });
  await expect(bench.supervisorPid()).rejects.toThrow('no supervisor');
});

test('the supervisor is nobody else’s process: no session, descriptors or environment of the daemon', async () => {
  await started('c', ['sleep', '1000']);
  const pid = await bench.supervisorPid();
  const status = await readFile(`/proc/${pid}/stat`, 'latin1');
  expect(status.slice(status.lastIndexOf(')') + 2).split(' ')[3]).toBe(String(pid));
  const environ = (await readFile(`/proc/${pid}/environ`, 'utf8')).split('\0').filter(Boolean);
  expect(environ.map((one) => one.split('=')[0]).sort()).toEqual(['LANG', 'MALLOC_ARENA_MAX', 'PATH']);
  await bench.tasks.kill({ id: 'c', signal: 9 });
  await bench.tasks.wait({ id: 'c' });
  await bench.tasks.delete({ id: 'c' });
});
