import { createReadStream, createWriteStream } from 'node:fs';
import { access, open, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { OptionsSchema } from '@stowage/api/runc/v1';
import { jsonBytes, TYPE_URL } from '@stowage/core';
import { packMessage } from '@stowage/rpc';
import { census, eventually, Workbench } from './fixtures/workbench.ts';

// Debian's containerd-shim-runc-v2, of containerd 1.6: a start answer that is an address, and task API version 2.
let bench: Workbench;
let before: object;
beforeAll(async () => {
  bench = await Workbench.open();
});
afterAll(async () => {
  await using _ = bench;
});
beforeEach(async () => {
  bench.complaints.length = 0;
  before = await census(bench);
});
afterEach(async () => {
  // The last event of a shim may come a moment after its answer.
  await eventually(async () => JSON.stringify(await census(bench)) === JSON.stringify(before)).catch(
    () => {},
  );
  expect(await census(bench)).toEqual(before);
  expect(bench.complaints).toEqual([]);
});

const sleep = ['sh', '-c', 'trap "exit 3" TERM; while :; do sleep 0.05; done'];

test('a container echoes, exits with its code, and is removed without a trace', async () => {
  const { tasks } = bench;
  const stdout = await bench.fifo('out');
  const output = text(createReadStream(stdout));
  const request = await bench.container('c', ['sh', '-c', 'echo hello; exit 42'], { stdout });
  const { pid } = await tasks.create(request);
  expect(await tasks.state({ id: 'c' })).toMatchObject({
    id: 'c',
    execId: '',
    status: 'created',
    pid,
    stdout,
  });
  const bootstrap = JSON.parse(await readFile(join(request.bundle, 'bootstrap.json'), 'utf8'));
  expect(bootstrap).toEqual({
    version: 2,
    address: expect.stringMatching(/^unix:\/\/\/run\//),
    protocol: 'ttrpc',
  });
  expect(await Array.fromAsync(bench.runtime.list())).toEqual([{ namespace: bench.namespace, id: 'c' }]);
  const exit = tasks.wait({ id: 'c' });
  expect(await tasks.start({ id: 'c' })).toEqual({ pid });
  expect(await exit).toMatchObject({ exitStatus: 42, exitedAt: expect.any(Date) });
  expect(await output).toBe('hello\n');
  expect(await tasks.state({ id: 'c' })).toMatchObject({ status: 'stopped', exitStatus: 42 });
  expect(await tasks.wait({ id: 'c' })).toEqual(await exit);
  expect(await tasks.delete({ id: 'c' })).toMatchObject({ pid, exitStatus: 42 });
  for (const gone of [tasks.state({ id: 'c' }), tasks.wait({ id: 'c' }), tasks.delete({ id: 'c' })])
    await expect(gone).rejects.toMatchObject({ kind: 'not_found' });
  expect(bench.topicsOf('c')).toEqual(['create', 'start', 'exit', 'delete']);
});

test('a process is added, its exit comes before that of the init, and each is deleted', async () => {
  const { tasks } = bench;
  await tasks.create(await bench.container('e', sleep));
  await tasks.start({ id: 'e' });
  const config = JSON.parse(await readFile(join(bench.bundle('e'), 'config.json'), 'utf8'));
  let count = 0;
  const exec = async (execId: string, script: string) => {
    const stdout = await bench.fifo(`out-${count++}`);
    const output = text(createReadStream(stdout));
    const spec = jsonBytes(TYPE_URL.process, { ...config.process, args: ['sh', '-c', script] });
    const stderr = '/dev/null'; // this shim wants both or none
    await tasks.exec({ id: 'e', execId, spec, stdin: '', stdout, stderr, terminal: false });
    const exit = tasks.wait({ id: 'e', execId });
    const { pid } = await tasks.start({ id: 'e', execId });
    return { pid, exit, output };
  };
  const one = await exec('one', 'echo from exec; exit 7');
  expect(await one.exit).toMatchObject({ exitStatus: 7 });
  expect(await one.output).toBe('from exec\n');
  expect(await tasks.delete({ id: 'e', execId: 'one' })).toMatchObject({ pid: one.pid, exitStatus: 7 });
  await expect(tasks.wait({ id: 'e', execId: 'one' })).rejects.toMatchObject({ kind: 'not_found' });
  const again = await exec('one', 'exit 8');
  expect(await again.exit).toMatchObject({ exitStatus: 8 });
  const two = await exec('two', 'sleep 100');
  const pids = (await tasks.pids('e')).map(({ pid }) => pid);
  expect(pids).toEqual(expect.arrayContaining([two.pid, (await tasks.state({ id: 'e' })).pid]));
  const exit = tasks.wait({ id: 'e' });
  await tasks.kill({ id: 'e', signal: 9, all: true });
  expect(await two.exit).toMatchObject({ exitStatus: 137 });
  expect(await exit).toMatchObject({ exitStatus: 137 });
  await tasks.delete({ id: 'e' });
  const told = bench.topicsOf('e');
  const added = ['exec-added:one', 'exec-started:one', 'exit:one'];
  expect(told.filter((topic) => topic.includes('one'))).toEqual([...added, ...added]);
  expect(told.indexOf('exit:two')).toBeGreaterThan(0);
  expect(told.indexOf('exit:two')).toBeLessThan(told.indexOf('exit'));
  expect(told.at(-1)).toBe('delete');
});

test('a container is paused and resumed, its figures are told, its limits changed, and it obeys a signal', async () => {
  const { tasks } = bench;
  await tasks.create(await bench.container('p', sleep));
  await tasks.start({ id: 'p' });
  await tasks.pause('p');
  expect(await tasks.state({ id: 'p' })).toMatchObject({ status: 'paused' });
  await tasks.resume('p');
  expect(await tasks.state({ id: 'p' })).toMatchObject({ status: 'running' });
  expect(await tasks.stats('p')).toMatchObject({
    typeUrl: expect.stringMatching(/^io\.containerd\.cgroups\.v[12]\.Metrics$/),
  });
  await tasks.update({ id: 'p', resources: jsonBytes(TYPE_URL.linuxResources, { pids: { limit: 77 } }) });
  expect(await tasks.connect('p')).toMatchObject({ taskPid: (await tasks.state({ id: 'p' })).pid });
  const exit = tasks.wait({ id: 'p' });
  await tasks.kill({ id: 'p', signal: 15 });
  expect(await exit).toMatchObject({ exitStatus: 3 });
  await expect(tasks.kill({ id: 'p', signal: 9 })).rejects.toMatchObject({ kind: 'not_found' });
  await tasks.delete({ id: 'p' });
  expect(bench.topicsOf('p')).toEqual(['create', 'start', 'paused', 'resumed', 'exit', 'delete']);
});

test('a terminal echoes what is typed at the size it is given, and its output ends', async () => {
  const { tasks } = bench;
  const [stdin, stdout] = [await bench.fifo('tty-in'), await bench.fifo('tty-out')];
  const output = text(createReadStream(stdout));
  const script = 'tty; stty size; read line; echo "got $line"; exit 5';
  await tasks.create(await bench.container('tty', ['sh', '-c', script], { stdin, stdout, terminal: true }));
  await tasks.resizePty({ id: 'tty', width: 100, height: 30 });
  const exit = tasks.wait({ id: 'tty' });
  await tasks.start({ id: 'tty' });
  await using keyboard = await open(stdin, 'w');
  await keyboard.writeFile('hello\n');
  expect(await exit).toMatchObject({ exitStatus: 5 });
  expect(await tasks.state({ id: 'tty' })).toMatchObject({ terminal: true, stdout, stderr: '' });
  await tasks.delete({ id: 'tty' });
  const shown = await output;
  expect(shown).toContain('/dev/pts/0\r\n');
  expect(shown).toContain('30 100\r\n');
  expect(shown).toContain('got hello\r\n');
});

test('standard input ends by CloseIO alone', async () => {
  const { tasks } = bench;
  const [stdin, stdout] = [await bench.fifo('cat-in'), await bench.fifo('cat-out')];
  const output = text(createReadStream(stdout));
  await tasks.create(await bench.container('cat', ['cat'], { stdin, stdout }));
  const exit = tasks.wait({ id: 'cat' });
  await tasks.start({ id: 'cat' });
  await new Promise<void>((resolve) => createWriteStream(stdin).end('x\n', () => resolve()));
  expect(await tasks.state({ id: 'cat' })).toMatchObject({ status: 'running' });
  await tasks.closeIO({ id: 'cat' });
  expect(await exit).toMatchObject({ exitStatus: 0 });
  expect(await output).toBe('x\n');
  await tasks.delete({ id: 'cat' });
});

test('what is asked in the wrong state is refused, and changes nothing', async () => {
  const { tasks } = bench;
  const request = await bench.container('w', sleep);
  await tasks.create(request);
  await expect(tasks.create(request)).rejects.toMatchObject({ kind: 'already_exists' });
  await tasks.start({ id: 'w' });
  for (const refused of [tasks.start({ id: 'w' }), tasks.delete({ id: 'w' }), tasks.resume('w')])
    await expect(refused).rejects.toMatchObject({ kind: 'failed_precondition' });
  const exit = tasks.wait({ id: 'w' });
  await tasks.kill({ id: 'w', signal: 9 });
  await exit;
  await tasks.delete({ id: 'w' });
});

test('a container that was never started is deleted by killing it, and its exit is told before', async () => {
  const { tasks } = bench;
  await tasks.create(await bench.container('never', ['true']));
  const exit = tasks.wait({ id: 'never' });
  await tasks.delete({ id: 'never' });
  // This shim says 0 or 137, as its reaper is late or not.
  expect([0, 137]).toContain((await exit).exitStatus);
  expect(bench.topicsOf('never')).toEqual(['create', 'exit', 'delete']);
});

test('a create that fails says why and leaves nothing but the bundle', async () => {
  const { tasks } = bench;
  const request = await bench.container('bad', ['/no/such/program']);
  await expect(tasks.create(request)).rejects.toThrow(/no such file or directory/);
  await access(join(request.bundle, 'config.json'));
  await expect(tasks.state({ id: 'bad' })).rejects.toMatchObject({ kind: 'not_found' });
  expect(bench.topicsOf('bad')).toEqual([]);
  bench.complaints.length = 0;
});

test('a create that is given up leaves no shim', async () => {
  const { tasks } = bench;
  for (const ms of [1, 20, 60, 120]) {
    const request = await bench.container(`late${ms}`, ['true']);
    const outcome = await tasks.create(request, { signal: AbortSignal.timeout(ms) }).catch((e) => e.name);
    if (outcome !== 'TimeoutError') await tasks.delete({ id: `late${ms}` });
  }
  bench.complaints.length = 0;
});

test('options of the task reach the shim', async () => {
  const { tasks } = bench;
  const root = join(bench.directory, 'own-root');
  const options = packMessage(OptionsSchema, { root });
  await tasks.create(await bench.container('own', ['true'], { options }));
  await access(join(root, bench.namespace, 'own', 'state.json'));
  await tasks.delete({ id: 'own' });
});

test('containers of a pod share one shim and one connection, and the shim ends with the last', async () => {
  const { tasks } = bench;
  const pod = (spec: { annotations?: Record<string, string> }) => {
    spec.annotations = { ...spec.annotations, 'io.containerd.runc.v2.group': 'pod' };
  };
  for (const id of ['pod1', 'pod2']) {
    await tasks.create(await bench.container(id, sleep, { change: pod }));
    await tasks.start({ id });
  }
  expect(await bench.shims()).toHaveLength(1);
  for (const id of ['pod1', 'pod2']) {
    const exit = tasks.wait({ id });
    await tasks.kill({ id, signal: 9 });
    expect(await exit).toMatchObject({ exitStatus: 137 });
    await tasks.delete({ id });
    if (id === 'pod1') expect(await tasks.state({ id: 'pod2' })).toMatchObject({ status: 'running' });
    expect(bench.topicsOf(id)).toEqual(['create', 'start', 'exit', 'delete']);
  }
});

test('an absolute path is a runtime, and a missing one is named', async () => {
  const { tasks, runtime } = bench;
  expect(runtime.serves('/usr/bin/containerd-shim-runc-v2')).toBe(true);
  await tasks.create(
    await bench.container('path', ['true'], { runtime: '/usr/bin/containerd-shim-runc-v2' }),
  );
  await tasks.delete({ id: 'path' });
  for (const [name, what] of [
    [
      'io.containerd.runsc.v1',
      /containerd-shim-runsc-v1 is not installed; it was looked for in .*\/usr\/bin/,
    ],
    ['/opt/containerd-shim-x-v1', /"\/opt\/containerd-shim-x-v1": there is no such file/],
  ] as const) {
    const made = tasks.create(await bench.container('missing', ['true'], { runtime: name }));
    await expect(made).rejects.toMatchObject({ kind: 'not_found', message: expect.stringMatching(what) });
  }
});

test('a shim that can not tell what it is says so by name', async () => {
  await expect(bench.runtime.info({ runtimeName: 'io.containerd.runc.v2' })).rejects.toMatchObject({
    kind: 'unimplemented',
    message: expect.stringMatching(
      /containerd-shim-runc-v2 -info: it ended with 2; it printed .*flag provided/,
    ),
  });
});
