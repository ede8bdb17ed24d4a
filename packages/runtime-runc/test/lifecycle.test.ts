import { createReadStream } from 'node:fs';
import { access, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { OptionsSchema } from '@stowage/api/runc/v1';
import { packMessage } from '@stowage/rpc';
import { layout } from '../src/layout.ts';
import { census, Workbench } from './fixtures/workbench.ts';

let bench: Workbench;
beforeAll(async () => {
  bench = await Workbench.open();
});
afterAll(async () => {
  await using ending = bench;
  expect(ending.complaints).toEqual([]);
});

const nothing = () => census(bench);

test('a container echoes, exits with its code, and is removed without a trace', async () => {
  const before = await nothing();
  const { tasks } = bench;
  const stdout = await bench.fifo('out');
  const output = text(createReadStream(stdout));
  const request = await bench.container('c', ['sh', '-c', 'echo hello; exit 42'], { stdout });
  const { pid } = await tasks.create(request);
  expect(await tasks.state({ id: 'c' })).toMatchObject({
    status: 'created',
    pid,
    stdout,
    bundle: request.bundle,
  });
  const exit = tasks.wait({ id: 'c' });
  expect(await tasks.start({ id: 'c' })).toEqual({ pid });
  expect(await exit).toMatchObject({ exitStatus: 42, exitedAt: expect.any(Date) });
  expect(await output).toBe('hello\n');
  expect(await tasks.state({ id: 'c' })).toMatchObject({ status: 'stopped', exitStatus: 42 });
  expect(await tasks.wait({ id: 'c' })).toEqual(await exit);
  expect(await tasks.delete({ id: 'c' })).toEqual({ pid, ...(await exit) });
  await expect(tasks.state({ id: 'c' })).rejects.toMatchObject({ kind: 'not_found' });
  await expect(tasks.wait({ id: 'c' })).rejects.toMatchObject({ kind: 'not_found' });
  expect(bench.topicsOf('c')).toEqual(['create', 'start', 'exit', 'delete']);
  expect(await nothing()).toEqual(before);
});

test('what is asked of a process in the wrong state is refused, and changes nothing', async () => {
  const { tasks } = bench;
  const request = await bench.container('w', ['sleep', '100']);
  await tasks.create(request);
  await expect(tasks.create(request)).rejects.toMatchObject({ kind: 'already_exists' });
  await expect(tasks.pause('w')).rejects.toMatchObject({ kind: 'failed_precondition' });
  await tasks.start({ id: 'w' });
  await expect(tasks.start({ id: 'w' })).rejects.toMatchObject({ kind: 'failed_precondition' });
  await expect(tasks.delete({ id: 'w' })).rejects.toMatchObject({ kind: 'failed_precondition' });
  await expect(tasks.resume('w')).rejects.toMatchObject({ kind: 'failed_precondition' });
  await expect(tasks.resizePty({ id: 'w', width: 1, height: 1 })).rejects.toMatchObject({
    kind: 'failed_precondition',
  });
  await tasks.kill({ id: 'w', signal: 9 });
  expect(await tasks.wait({ id: 'w' })).toMatchObject({ exitStatus: 137 });
  await expect(tasks.kill({ id: 'w', signal: 9 })).rejects.toMatchObject({ kind: 'not_found' });
  await tasks.delete({ id: 'w' });
  await expect(tasks.delete({ id: 'w' })).rejects.toMatchObject({ kind: 'not_found' });
});

test('a container that was never started is deleted by killing it', async () => {
  const { tasks } = bench;
  const { pid } = await tasks.create(await bench.container('never', ['true']));
  const exit = tasks.wait({ id: 'never' });
  expect(await tasks.delete({ id: 'never' })).toMatchObject({ pid, exitStatus: 137 });
  expect(await exit).toMatchObject({ exitStatus: 137 });
  expect(bench.topicsOf('never')).toEqual(['create', 'exit', 'delete']);
});

test('the same id can be used again at once', async () => {
  const { tasks } = bench;
  for (let round = 0; round < 3; round++) {
    await tasks.create(await bench.container('again', ['true']));
    const exit = tasks.wait({ id: 'again' });
    await tasks.start({ id: 'again' });
    expect(await exit).toMatchObject({ exitStatus: 0 });
    await tasks.delete({ id: 'again' });
  }
});

test('tasks of another namespace are not there', async () => {
  const { tasks } = bench;
  await tasks.create(await bench.container('mine', ['true']));
  const other = bench.runtime.tasks('other');
  await expect(other.state({ id: 'mine' })).rejects.toMatchObject({ kind: 'not_found' });
  await expect(other.kill({ id: 'mine', signal: 9 })).rejects.toMatchObject({ kind: 'not_found' });
  expect(await Array.fromAsync(bench.runtime.list())).toEqual([{ namespace: bench.namespace, id: 'mine' }]);
  expect(() => bench.runtime.tasks('')).toThrow(/namespace is required/);
  expect(() => bench.runtime.tasks('../x')).toThrow(/namespace/);
  await tasks.delete({ id: 'mine' });
});

test.each([
  [
    'a program that is not there',
    'unknown',
    /runc create bad: .*"nonsense": executable file not found/,
    (b: Workbench) => b.container('bad', ['nonsense']),
  ],
  [
    'a rootfs that cannot be mounted',
    'not_found',
    /create task: mount .*No such file/,
    (b: Workbench) =>
      b.container('bad', ['true'], { rootfs: [{ type: 'bind', source: '/no/such', options: ['rbind'] }] }),
  ],
  [
    'a FIFO that nobody made',
    'not_found',
    /stdout "\/no\/fifo": there is no FIFO/,
    (b: Workbench) => b.container('bad', ['true'], { stdout: '/no/fifo' }),
  ],
  [
    'a logging binary that fails',
    'unknown',
    /logging binary "\/bin\/false": it ended with status 1/,
    (b: Workbench) => b.container('bad', ['true'], { stdout: 'binary:///bin/false' }),
  ],
  [
    'a bundle without a spec',
    'invalid_argument',
    /has no config.json/,
    async (b: Workbench) => ({ ...(await b.container('bad', ['true'])), bundle: '/no/bundle' }),
  ],
  [
    'a runtime that is not installed',
    'not_found',
    /no-such-runc: executable not found in PATH: install runc/,
    (b: Workbench) =>
      b.container('bad', ['true'], { options: packMessage(OptionsSchema, { binaryName: 'no-such-runc' }) }),
  ],
  [
    'cgroups by systemd',
    'failed_precondition',
    /systemd_cgroup/,
    (b: Workbench) =>
      b.container('bad', ['true'], { options: packMessage(OptionsSchema, { systemdCgroup: true }) }),
  ],
  [
    'a checkpoint that is not there',
    'not_found',
    /there is no checkpoint in "\/cp"/,
    (b: Workbench) => b.container('bad', ['true'], { checkpoint: '/cp' }),
  ],
  [
    'an id with a slash',
    'invalid_argument',
    /container id/,
    async (b: Workbench) => ({
      ...(await b.container('bad', ['true'])),
      id: '../bad',
    }),
  ],
] as const)('creating with %s fails as %s and leaves nothing', async (_, kind, message, request) => {
  const before = await nothing();
  const failure = bench.tasks.create(await request(bench));
  if (kind === 'unknown') await expect(failure).rejects.toThrow(message);
  else await expect(failure).rejects.toMatchObject({ kind, message: expect.stringMatching(message) });
  expect(await nothing()).toEqual(before);
  await expect(bench.tasks.state({ id: 'bad' })).rejects.toMatchObject({ kind: 'not_found' });
  expect(bench.topicsOf('bad')).toEqual([]);
});

test('a runtime and a root of its own are used where the options ask for them', async () => {
  const root = join(bench.directory, 'own-root');
  const options = packMessage(OptionsSchema, { binaryName: '/usr/sbin/runc', root });
  await bench.tasks.create(await bench.container('own', ['true'], { options }));
  await access(join(root, bench.namespace, 'own', 'state.json'));
  await bench.tasks.delete({ id: 'own' });
  expect(await readdir(join(root, bench.namespace))).toEqual([]);
});

test('the runtime says what it is', async () => {
  expect(bench.runtime.serves('io.containerd.runc.v2')).toBe(true);
  expect(bench.runtime.serves('com.example.runc.v2')).toBe(true);
  expect(bench.runtime.serves('io.containerd.runsc.v1')).toBe(false);
  expect(bench.runtime.serves('io.containerd.runtime.v1.linux')).toBe(false);
  const info = await bench.runtime.info({ runtimeName: 'io.containerd.runc.v2' });
  expect(info).toMatchObject({ name: 'io.containerd.runc.v2', version: expect.stringMatching(/^1\./) });
  expect(JSON.parse(Buffer.from(info.features?.value ?? []).toString()).ociVersionMin).toBeDefined();
});

test('a task tells who serves it, and nobody can end that by it', async () => {
  await bench.tasks.create(await bench.container('cp', ['true']));
  const connection = await bench.tasks.connect('cp');
  expect(connection).toMatchObject({ taskPid: (await bench.tasks.state({ id: 'cp' })).pid });
  await bench.tasks.shutdown({ id: 'cp' });
  await bench.tasks.delete({ id: 'cp' });
});

test('nothing is left in the state directory but what the next container uses', async () => {
  expect(await readdir(layout(bench.state).tasks, { recursive: true })).toEqual([bench.namespace]);
});
