import { createReadStream } from 'node:fs';
import { open, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { jsonBytes, TYPE_URL, type TypedBytes } from '@stowage/core';
import { layout } from '../src/layout.ts';
import { Screen } from './fixtures/screen.ts';
import { census, Workbench } from './fixtures/workbench.ts';

let bench: Workbench;
let before: unknown;
const none = { stdin: '', stdout: '', stderr: '', terminal: false };

beforeAll(async () => {
  bench = await Workbench.open();
  before = await census(bench);
  await bench.tasks.create(await bench.container('c', ['sleep', '1000']));
  await bench.tasks.start({ id: 'c' });
});
afterAll(async () => {
  await using ending = bench;
  await ending.tasks.kill({ id: 'c', signal: 9 });
  await ending.tasks.wait({ id: 'c' });
  await ending.tasks.delete({ id: 'c' });
  expect(await census(ending)).toEqual(before);
  expect(ending.complaints).toEqual([]);
});

const spec = (...args: string[]): TypedBytes =>
  jsonBytes(TYPE_URL.process, { args, cwd: '/', env: ['PATH=/bin'], user: { uid: 0, gid: 0 } });

test('a process is added, run, waited for and removed', async () => {
  const stdout = await bench.fifo('out');
  const output = text(createReadStream(stdout));
  const e = { id: 'c', execId: 'e' };
  await bench.tasks.exec({ ...none, ...e, stdout, spec: spec('sh', '-c', 'echo from exec; exit 9') });
  expect(await bench.tasks.state(e)).toMatchObject({ ...e, status: 'created', pid: 0, stdout });
  await expect(bench.tasks.kill({ ...e, signal: 9 })).rejects.toMatchObject({ kind: 'failed_precondition' });
  const exit = bench.tasks.wait(e);
  const { pid } = await bench.tasks.start(e);
  expect(pid).toBeGreaterThan(0);
  expect(await exit).toMatchObject({ exitStatus: 9 });
  expect(await output).toBe('from exec\n');
  expect(await bench.tasks.state(e)).toMatchObject({ status: 'stopped', pid, exitStatus: 9 });
  expect(await bench.tasks.delete(e)).toEqual({ pid, ...(await exit) });
  await expect(bench.tasks.state(e)).rejects.toMatchObject({ kind: 'not_found' });
  await expect(bench.tasks.wait(e)).rejects.toMatchObject({ kind: 'not_found' });
  expect(bench.topicsOf('c')).toEqual(['create', 'start', 'exec-added:e', 'exec-started:e', 'exit:e']);
  expect(await bench.tasks.state({ id: 'c' })).toMatchObject({ status: 'running' });
});

test('a terminal of its own', async () => {
  const [stdin, stdout] = [await bench.fifo('tty-in'), await bench.fifo('tty-out')];
  const screen = new Screen(createReadStream(stdout));
  const e = { id: 'c', execId: 'tty' };
  const args = spec('sh', '-c', 'stty size; read a; echo "read $a"');
  await bench.tasks.exec({ ...e, stdin, stdout, stderr: '', terminal: true, spec: args });
  await bench.tasks.resizePty({ ...e, width: 90, height: 20 });
  const exit = bench.tasks.wait(e);
  await bench.tasks.start(e);
  await using keyboard = await open(stdin, 'w');
  await screen.shows('20 90\r\n');
  await keyboard.writeFile('k\n');
  expect(await exit).toMatchObject({ exitStatus: 0 });
  expect(await screen.all).toBe('20 90\r\nk\r\nread k\r\n');
  await bench.tasks.delete(e);
});

test('one that ends at once is not missed, however many there are', async () => {
  const ids = Array.from({ length: 8 }, (_, i) => `quick${i}`);
  const exits = ids.map(async (execId, i) => {
    const e = { id: 'c', execId };
    await bench.tasks.exec({ ...none, ...e, spec: spec('sh', '-c', `exit ${i}`) });
    const exit = bench.tasks.wait(e);
    await bench.tasks.start(e);
    const { exitStatus } = await exit;
    await bench.tasks.delete(e);
    return exitStatus;
  });
  expect(await Promise.all(exits)).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
});

test('a signal reaches the process that was added, and no other', async () => {
  const e = { id: 'c', execId: 'k' };
  await bench.tasks.exec({ ...none, ...e, spec: spec('sleep', '100') });
  await bench.tasks.start(e);
  await expect(bench.tasks.delete(e)).rejects.toMatchObject({ kind: 'failed_precondition' });
  await bench.tasks.kill({ ...e, signal: 15 });
  expect(await bench.tasks.wait(e)).toMatchObject({ exitStatus: 143 });
  await expect(bench.tasks.kill({ ...e, signal: 15 })).rejects.toMatchObject({ kind: 'not_found' });
  expect(await bench.tasks.state({ id: 'c' })).toMatchObject({ status: 'running' });
  await bench.tasks.delete(e);
});

test('what cannot be started may be deleted, and its reason is told', async () => {
  const e = { id: 'c', execId: 'bad' };
  await bench.tasks.exec({ ...none, ...e, spec: spec('nonsense') });
  await expect(bench.tasks.start(e)).rejects.toMatchObject({
    kind: 'unknown',
    message: expect.stringMatching(/runc exec c: .*"nonsense": executable file not found/),
  });
  expect(await bench.tasks.state(e)).toMatchObject({ status: 'created' });
  const exit = bench.tasks.wait(e);
  exit.catch(() => {});
  await bench.tasks.delete(e);
  await expect(exit).rejects.toMatchObject({ kind: 'not_found' });
});

test('a start whose runtime was killed as it wrote the pid can be tried again', async () => {
  const e = { id: 'c', execId: 'again' };
  await bench.tasks.exec({ ...none, ...e, spec: spec('true') });
  const left = join(layout(bench.state).tasks, bench.namespace, 'c', '.exec-again.pid');
  await writeFile(left, '');
  await bench.tasks.start(e);
  expect(await bench.tasks.wait(e)).toMatchObject({ exitStatus: 0 });
  await bench.tasks.delete(e);
});

test('what is no process, or none for this task, is refused', async () => {
  const e = { ...none, id: 'c', execId: 'x' };
  const refused = (kind: string) => expect.objectContaining({ kind });
  await expect(bench.tasks.exec({ ...e, spec: jsonBytes(TYPE_URL.spec, {}) })).rejects.toEqual(
    refused('invalid_argument'),
  );
  const junk = { typeUrl: TYPE_URL.process, value: Buffer.from('{') };
  await expect(bench.tasks.exec({ ...e, spec: junk })).rejects.toEqual(refused('invalid_argument'));
  await expect(bench.tasks.exec({ ...e, execId: '../x', spec: spec('true') })).rejects.toEqual(
    refused('invalid_argument'),
  );
  await expect(bench.tasks.exec({ ...e, id: 'absent', spec: spec('true') })).rejects.toEqual(
    refused('not_found'),
  );
  await bench.tasks.exec({ ...e, spec: spec('true') });
  await expect(bench.tasks.exec({ ...e, spec: spec('true') })).rejects.toEqual(refused('already_exists'));
  await bench.tasks.delete({ id: 'c', execId: 'x' });
});

test('an exec may have the id of its container', async () => {
  const e = { id: 'c', execId: 'c' };
  await bench.tasks.exec({ ...none, ...e, spec: spec('true') });
  const exit = bench.tasks.wait(e);
  await bench.tasks.start(e);
  expect(await exit).toMatchObject({ exitStatus: 0 });
  expect(await bench.tasks.state({ id: 'c' })).toMatchObject({ status: 'running' });
  await bench.tasks.delete(e);
});

test('exits of added processes come before that of the init', async () => {
  const { tasks } = bench;
  await tasks.create(await bench.container('order', ['sleep', '1000']));
  await tasks.start({ id: 'order' });
  for (const execId of ['a', 'b', 'c']) {
    await tasks.exec({ ...none, id: 'order', execId, spec: spec('sleep', '1000') });
    await tasks.start({ id: 'order', execId });
  }
  const exits = ['a', 'b', 'c'].map((execId) => tasks.wait({ id: 'order', execId }));
  await tasks.kill({ id: 'order', signal: 9 });
  await tasks.wait({ id: 'order' });
  for (const exit of exits) expect(await exit).toMatchObject({ exitStatus: 137 });
  await tasks.delete({ id: 'order' });
  const last = bench.topicsOf('order').slice(-5);
  expect(last.slice(0, 3).sort()).toEqual(['exit:a', 'exit:b', 'exit:c']);
  expect(last.slice(3)).toEqual(['exit', 'delete']);
});

test('nothing is left of processes that were removed', async () => {
  const files = await readdir(join(layout(bench.state).tasks, bench.namespace, 'c'));
  expect(files.filter((name) => name.startsWith('exec'))).toEqual([]);
});
