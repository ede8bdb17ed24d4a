import { createReadStream } from 'node:fs';
import { mkdir, open, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { jsonBytes, TYPE_URL } from '@stowage/core';
import { supervisorProgram } from '../src/daemon/program.ts';
import { Screen } from './fixtures/screen.ts';
import { census, eventually, gone, Workbench } from './fixtures/workbench.ts';

const PATIENCE_MS = 20_000;

let bench: Workbench;
beforeEach(async () => {
  bench = await Workbench.open();
});
afterEach(async () => {
  await bench[Symbol.asyncDispose]();
});

/** The daemon's side goes, and one of another build comes. */
async function become(build: string): Promise<void> {
  await bench.runtime[Symbol.asyncDispose]();
  await bench.reopen({ program: { ...(await supervisorProgram()), build } });
}

async function started(...container: Parameters<Workbench['container']>): Promise<number> {
  const { pid } = await bench.tasks.create(await bench.container(...container));
  await bench.tasks.start({ id: container[0] });
  return pid;
}

async function end(id: string): Promise<void> {
  await bench.tasks.kill({ id, signal: 9 });
  await bench.tasks.wait({ id });
  await bench.tasks.delete({ id });
}

const names = async () => [...(await bench.supervisors()).keys()].sort();
const directories = async () => (await readdir(join(bench.state, 'supervisor'))).sort();
const pidOf = async (name: string) => (await bench.supervisors()).get(name)?.info.pid ?? 0;
const owner = async (id: string) =>
  JSON.parse(await readFile(join(bench.state, 'tasks', bench.namespace, id, 'task.json'), 'utf8')).owner;

async function kill(name: string): Promise<void> {
  const pid = await pidOf(name);
  process.kill(pid, 'SIGKILL');
  await gone(pid);
}

async function left(name: string): Promise<void> {
  // It is moved aside first, and then removed.
  const isGone = (names: readonly string[]) => !names.some((one) => one === name || one.startsWith('.gone-'));
  await eventually(async () => isGone(await directories()), PATIENCE_MS);
}

test('after an upgrade the old supervisor keeps its containers until the last one is deleted, and goes', async () => {
  const stdout = await bench.fifo('out');
  const stdin = await bench.fifo('in');
  const output = text(createReadStream(stdout));
  await started('old', ['sh', '-c', 'while read x; do echo "<$x>"; done; exit 3'], { stdin, stdout });
  await started('older', ['sleep', '1000']);
  const oldPid = await pidOf('source');
  await become('next');
  expect(await pidOf('source')).toBe(oldPid);
  await started('new', ['sleep', '1000']);
  expect(await names()).toEqual(['next', 'source']);
  expect([await owner('old'), await owner('new')]).toEqual(['source', 'next']);
  expect((await Array.fromAsync(bench.runtime.list())).map(({ id }) => id).sort()).toEqual([
    'new',
    'old',
    'older',
  ]);
  await expect(bench.tasks.create(await bench.container('old', ['true']))).rejects.toMatchObject({
    kind: 'already_exists',
  });

  const spec = jsonBytes(TYPE_URL.process, { args: ['sh', '-c', 'exit 6'], cwd: '/', env: ['PATH=/bin'] });
  const exec = { id: 'old', execId: 'e' };
  await bench.tasks.exec({ ...exec, stdin: '', stdout: '', stderr: '', terminal: false, spec });
  const execExit = bench.tasks.wait(exec);
  await bench.tasks.start(exec);
  expect(await execExit).toMatchObject({ exitStatus: 6 });
  await bench.tasks.delete(exec);
  await bench.tasks.pause('old');
  expect(await bench.tasks.state({ id: 'old' })).toMatchObject({ status: 'paused' });
  await bench.tasks.resume('old');
  const keyboard = await open(stdin, 'w');
  await keyboard.writeFile('typed\n');
  await keyboard.close();
  const exit = bench.tasks.wait({ id: 'old' });
  await bench.tasks.closeIO({ id: 'old' });
  expect(await exit).toMatchObject({ exitStatus: 3 });
  expect(await output).toBe('<typed>\n');
  await bench.tasks.delete({ id: 'old' });
  expect(await pidOf('source')).toBe(oldPid);

  await end('older');
  await left('source');
  await gone(oldPid);
  expect(await directories()).toEqual(['next']);
  expect(await bench.tasks.state({ id: 'new' })).toMatchObject({ status: 'running' });
  await end('new');
  for (const id of ['older', 'new']) {
    await eventually(() => bench.topicsOf(id).includes('delete'));
    expect(bench.topicsOf(id)).toEqual(['create', 'start', 'exit', 'delete']);
  }
  expect(await census(bench)).toMatchObject({ mounts: 0, cgroups: [], tasks: [], containers: [] });
});

test('an old supervisor that has no containers when the new daemon comes goes at once', async () => {
  await started('c', ['true']);
  await bench.tasks.wait({ id: 'c' });
  await bench.tasks.delete({ id: 'c' });
  expect(await names()).toEqual(['source']);
  await become('next');
  await left('source');
  expect(await directories()).toEqual([]);
});

test('a downgrade is the same', async () => {
  await started('a', ['sleep', '1000']);
  await become('next');
  await started('b', ['sleep', '1000']);
  await become('source');
  await started('c', ['sleep', '1000']);
  expect([await owner('a'), await owner('b'), await owner('c')]).toEqual(['source', 'next', 'source']);
  await end('b');
  await left('next');
  await end('a');
  await end('c');
  expect(await names()).toEqual(['source']);
});

test('the containers of an old supervisor that is killed go on with the new one: waits, output, terminal and input', async () => {
  const [stdin, stdout] = [await bench.fifo('in'), await bench.fifo('out')];
  const [ttyIn, ttyOut] = [await bench.fifo('tty-in'), await bench.fifo('tty-out')];
  const output = text(createReadStream(stdout));
  const screen = new Screen(createReadStream(ttyOut));
  await started('c', ['cat'], { stdin, stdout });
  const script = 'stty -echo; echo ready; while read x; do echo "<$x>"; done; exit 4';
  await started('tty', ['sh', '-c', script], { stdin: ttyIn, stdout: ttyOut, terminal: true });
  await screen.shows('ready\r\n');
  await become('next');
  await started('new', ['sleep', '1000']);
  const exits = [bench.tasks.wait({ id: 'c' }), bench.tasks.wait({ id: 'tty' })];
  await kill('source');
  await left('source');
  expect([await owner('c'), await owner('tty')]).toEqual(['next', 'next']);
  const type = async (path: string, line: string) => {
    await using keyboard = await open(path, 'w');
    await keyboard.writeFile(line);
  };
  await type(stdin, 'late\n');
  await type(ttyIn, 'late\n');
  await screen.shows('<late>\r\n');
  await bench.tasks.resizePty({ id: 'tty', width: 81, height: 25 });
  await bench.tasks.closeIO({ id: 'c' });
  await bench.tasks.closeIO({ id: 'tty' });
  expect(await Promise.all(exits)).toMatchObject([{ exitStatus: 0 }, { exitStatus: 4 }]);
  expect(await output).toBe('late\n');
  await bench.tasks.delete({ id: 'c' });
  await bench.tasks.delete({ id: 'tty' });
  await end('new');
  for (const id of ['c', 'tty', 'new']) {
    await eventually(() => bench.topicsOf(id).includes('delete'));
    expect(bench.topicsOf(id)).toEqual(['create', 'start', 'exit', 'delete']);
  }
});

test.each([
  ['had not told, nor written down that it is in its log,', false],
  ['had not told, but written down that it is in its log,', true],
])(
  'what an old supervisor %s when it died is told once, before what the new one tells',
  async (_, announced) => {
    await started('told', ['sleep', '1000']);
    const short = await started('short', ['sh', '-c', 'sleep 0.5; exit 7']);
    await bench.runtime[Symbol.asyncDispose]();
    const before = bench.envelopes.length;
    await gone(short);
    const events = join(bench.state, 'supervisor/source/events');
    const record = join(bench.state, 'tasks', bench.namespace, 'short/task.json');
    await eventually(async () => (await readFile(events, 'utf8')).includes('/tasks/exit'));
    if (announced) await eventually(async () => JSON.parse(await readFile(record, 'utf8')).init.announced);
    await kill('source');
    await bench.reopen({ program: { ...(await supervisorProgram()), build: 'next' } });
    expect(await bench.tasks.wait({ id: 'short' })).toMatchObject({ exitStatus: 7 });
    await bench.tasks.delete({ id: 'short' });
    expect(bench.envelopes.slice(before).map(({ topic }) => topic)).toEqual(['/tasks/exit', '/tasks/delete']);
    await end('told');
    expect(bench.topicsOf('told')).toEqual(['create', 'start', 'exit', 'delete']);
    expect(await directories()).toEqual(['next']);
  },
);

test('both supervisors killed: each container goes on, and none has two', async () => {
  await started('a', ['sleep', '1000']);
  await become('next');
  await started('b', ['sleep', '1000']);
  const exits = [bench.tasks.wait({ id: 'a' }), bench.tasks.wait({ id: 'b' })];
  const pids = [await pidOf('source'), await pidOf('next')];
  for (const pid of pids) process.kill(pid, 'SIGKILL');
  await left('source');
  expect(await names()).toEqual(['next']);
  expect(await pidOf('next')).not.toBe(pids[1]);
  expect([await owner('a'), await owner('b')]).toEqual(['next', 'next']);
  for (const id of ['a', 'b'])
    await bench.tasks.kill({ id, signal: 15, all: true }).then(() => bench.tasks.kill({ id, signal: 9 }));
  expect(await Promise.all(exits)).toMatchObject([{ exitStatus: 137 }, { exitStatus: 137 }]);
  for (const id of ['a', 'b']) {
    await bench.tasks.delete({ id });
    expect(bench.topicsOf(id)).toEqual(['create', 'start', 'exit', 'delete']);
  }
});

test('an old supervisor that hangs disturbs its own containers alone', async () => {
  await started('stuck', ['sleep', '1000']);
  const pid = await pidOf('source');
  await become('next');
  await started('free', ['sleep', '1000']);
  process.kill(pid, 'SIGSTOP');
  try {
    // Known from before: told from the table.
    expect((await Array.fromAsync(bench.runtime.list())).map(({ id }) => id).sort()).toEqual([
      'free',
      'stuck',
    ]);
    expect(await bench.tasks.state({ id: 'stuck' })).toMatchObject({ status: 'running' });
    // And by a daemon that comes later, the others.
    await become('next');
    expect((await Array.fromAsync(bench.runtime.list())).map(({ id }) => id)).toEqual(['free']);
    expect(await bench.tasks.state({ id: 'free' })).toMatchObject({ status: 'running' });
    await end('free');
    await started('another', ['sleep', '1000']);
    await expect(bench.tasks.state({ id: 'stuck' })).rejects.toMatchObject({ kind: 'unavailable' });
    await expect(bench.tasks.create(await bench.container('stuck', ['true']))).rejects.toMatchObject({
      kind: 'already_exists',
    });
  } finally {
    process.kill(pid, 'SIGCONT');
  }
  await eventually(async () => (await Array.fromAsync(bench.runtime.list())).length === 2, PATIENCE_MS);
  await end('stuck');
  await left('source');
  await end('another');
}, 60_000);

test('a task that a later version wrote down is left as it is, said so, and not made again', async () => {
  const directory = join(bench.state, 'tasks', bench.namespace, 'later');
  await mkdir(directory, { recursive: true });
  const record = JSON.stringify({ format: 2, owner: 'future', namespace: bench.namespace, id: 'later' });
  await writeFile(join(directory, 'task.json'), record);
  await become('next');
  expect(await Array.fromAsync(bench.runtime.list())).toEqual([]);
  expect(await names()).toEqual([]);
  expect(bench.complaints).toContainEqual(
    expect.objectContaining({ err: expect.objectContaining({ kind: 'unimplemented' }), id: 'later' }),
  );
  await expect(bench.tasks.create(await bench.container('later', ['true']))).rejects.toMatchObject({
    message: expect.stringMatching(/later/),
  });
  expect(await readFile(join(directory, 'task.json'), 'utf8')).toBe(record);
});

test('a runtime that owns its supervisors takes all with it', async () => {
  const a = await started('a', ['sleep', '1000']);
  await become('next');
  const b = await started('b', ['sleep', '1000']);
  await bench.runtime[Symbol.asyncDispose]();
  await bench.reopen({ lifetime: 'owned', program: { ...(await supervisorProgram()), build: 'next' } });
  const pids = [await pidOf('source'), await pidOf('next')];
  await bench.runtime[Symbol.asyncDispose]();
  for (const pid of [a, b, ...pids]) await gone(pid);
  expect(await census(bench)).toMatchObject({ mounts: 0, tasks: [], containers: [] });
});
