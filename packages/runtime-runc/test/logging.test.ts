import { open, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { jsonBytes, TYPE_URL } from '@stowage/core';
import { layout } from '../src/layout.ts';
import { numbers, TestLogger } from './fixtures/logger.ts';
import { census, eventually, gone, Workbench } from './fixtures/workbench.ts';

let bench: Workbench;
let before: unknown;
beforeAll(async () => {
  bench = await Workbench.open();
  before = await census(bench);
});
afterEach(async () => {
  // Whatever a logging binary was, it is gone with its container.
  await eventually(async () => JSON.stringify(await census(bench)) === JSON.stringify(before), 15_000);
});
afterAll(async () => {
  await bench[Symbol.asyncDispose]();
});

async function started(...container: Parameters<Workbench['container']>) {
  const [id] = container;
  await bench.tasks.create(await bench.container(...container));
  const exit = bench.tasks.wait({ id });
  await bench.tasks.start({ id });
  return { exit, remove: () => bench.tasks.delete({ id }) };
}

/** Returns when another supervisor has the tasks. */
async function killSupervisor(): Promise<void> {
  const pid = await bench.supervisorPid();
  process.kill(pid, 'SIGKILL');
  await gone(pid);
  await eventually(async () => (await bench.supervisorPid().catch(() => pid)) !== pid);
}

/** Reads standard output in the process that was started, so that nobody does once it is killed. */
const ONE_PROCESS = { read: 'exec cat <&3 >"$2.out"' };

test('one program reads both streams, with the arguments, environment and descriptors that it is due', async () => {
  const ready = [
    'tr "\\0" "\\n" </proc/$$/environ >"$2.env"',
    'echo "$@" >"$2.args"',
    'for fd in 0 1 2 3 4 5 6 7 8 9; do [ -e /proc/$$/fd/$fd ] && echo $fd; done >"$2.fds"',
    'exec 5>&-',
  ].join('\n');
  const logger = await TestLogger.make(bench, 'logger', { ready });
  const uri = logger.uri('binary', `log=${logger.log}&b=two+words&a=%26&log=ignored&flag`);
  const { exit, remove } = await started('one', ['sh', '-c', 'echo out; echo err >&2; exit 3'], {
    ...{ stdout: uri, stderr: uri },
  });
  expect(await exit).toMatchObject({ exitStatus: 3 });
  await remove();
  expect(await logger.hasEnded()).toBe(true);
  expect(await logger.read('out')).toBe('out\n');
  expect(await logger.read('err')).toBe('err\n');
  expect(await logger.read('args')).toBe(`log ${logger.log} b two words a & flag \n`);
  expect(await logger.read('env')).toBe(`CONTAINER_ID=one\nCONTAINER_NAMESPACE=${bench.namespace}\n`);
  // The shell keeps its own above these.
  expect(await logger.read('fds')).toBe('0\n1\n2\n3\n4\n5\n');
});

test('20 MiB on each stream just before the exit are with the program when the delete is done', async () => {
  const logger = await TestLogger.make(bench, 'big', {
    read: 'sleep 0.5; cat <&3 >"$2.out" & cat <&4 >"$2.err"; wait',
  });
  const script = 'busybox seq 1 2800000 >&2 & busybox seq 1 2800000; wait';
  const { exit, remove } = await started('big', ['sh', '-c', script], {
    ...{ stdout: logger.uri(), stderr: logger.uri() },
  });
  expect(await exit).toMatchObject({ exitStatus: 0 });
  await remove();
  const expected = numbers(2_800_000);
  expect(expected.length).toBeGreaterThan(20 * 1024 * 1024);
  expect((await logger.read('out')) === expected).toBe(true);
  expect((await logger.read('err')) === expected).toBe(true);
});

test('two programs, where two are named; what none is named for is nowhere', async () => {
  const [first, second] = [await TestLogger.make(bench, 'first'), await TestLogger.make(bench, 'second')];
  const both = await started('two', ['sh', '-c', 'echo out; echo err >&2'], {
    ...{ stdout: first.uri(), stderr: second.uri() },
  });
  await both.exit;
  await both.remove();
  expect([await first.read('out'), await first.read('err')]).toEqual(['out\n', '']);
  expect([await second.read('out'), await second.read('err')]).toEqual(['', 'err\n']);
  const half = await started('half', ['sh', '-c', 'echo again; echo err >&2'], { stdout: first.uri() });
  await half.exit;
  await half.remove();
  expect([await first.read('out'), await first.read('err')]).toEqual(['again\n', '']);
});

test('binary-v2 is ready when it has written a byte, and failed when it closes without one', async () => {
  const good = await TestLogger.make(bench, 'good', { ready: 'sleep 0.2; echo >&5; exec 5>&-' });
  const { exit, remove } = await started('good', ['echo', 'hi'], { stdout: good.uri('binary-v2') });
  await exit;
  await remove();
  expect(await good.read('out')).toBe('hi\n');
  const bad = await TestLogger.make(bench, 'bad', { ready: 'echo no disk >&2; exec 5>&-; sleep 60' });
  const refused = await bench.container('bad', ['true'], { stdout: bad.uri('binary-v2') });
  await expect(bench.tasks.create(refused)).rejects.toMatchObject({
    kind: 'unknown',
    message: expect.stringMatching(/bad": it closed descriptor 5 without a byte.*it says "no disk"/),
  });
});

test.each(['binary', 'binary-v2'] as const)('%s: one that ends at once fails the create', async (scheme) => {
  const logger = await TestLogger.make(bench, `dies-${scheme}`, { ready: 'echo bad flag >&2; exit 7' });
  const request = await bench.container('dies', ['true'], { stdout: logger.uri(scheme) });
  await expect(bench.tasks.create(request)).rejects.toMatchObject({
    kind: 'unknown',
    message: expect.stringMatching(/it ended with status 7 before it was ready; it says "bad flag"/),
  });
});

test('one that is not there, or is no path', async () => {
  const create = async (stdout: string) =>
    bench.tasks.create(await bench.container('no', ['true'], { stdout }));
  await expect(create('binary:///nowhere/logger')).rejects.toMatchObject({
    kind: 'not_found',
    message: expect.stringContaining('"/nowhere/logger"'),
  });
  for (const uri of ['binary://', 'binary:///', 'binary:///%00', 'binary:///%ff', 'binaryv3:///bin/cat']) {
    await expect(create(uri)).rejects.toMatchObject({ kind: 'invalid_argument' });
  }
  const stdin = await bench.container('no', ['true'], { stdin: 'binary:///bin/cat' });
  await expect(bench.tasks.create(stdin)).rejects.toMatchObject({ kind: 'invalid_argument' });
});

test('one that is never ready fails the create; one that does not end is killed at the delete', async () => {
  const silent = await TestLogger.make(bench, 'silent', { ready: 'echo waiting >&2; sleep 600' });
  const creating = bench.tasks.create(await bench.container('silent', ['true'], { stdout: silent.uri() }));
  const stubborn = await TestLogger.make(bench, 'stubborn', {
    read: 'trap "echo told >>$2.out" TERM; while :; do sleep 0.1; done',
  });
  const { exit, remove } = await started('stubborn', ['true'], { stdout: stubborn.uri() });
  await exit;
  await Promise.all([
    expect(creating).rejects.toMatchObject({
      kind: 'unknown',
      message: expect.stringMatching(/it was not ready after 10 s; it says "waiting"/),
    }),
    remove(),
  ]);
  await gone(await stubborn.pid());
  expect(await stubborn.read('out')).toBe('told\n');
}, 60_000);

test('the death of the program neither ends nor stops its container', async () => {
  const logger = await TestLogger.make(bench, 'mortal', ONE_PROCESS);
  const stdin = await bench.fifo('go');
  const script = 'echo first; read x; busybox seq 1 100000; exit 5';
  const { exit, remove } = await started('mortal', ['sh', '-c', script], { stdin, stdout: logger.uri() });
  await eventually(async () => (await logger.read('out').catch(() => '')) === 'first\n');
  process.kill(await logger.pid(), 'SIGKILL');
  await gone(await logger.pid());
  await using keyboard = await open(stdin, 'w');
  await keyboard.writeFile('\n');
  expect(await exit).toMatchObject({ exitStatus: 5 });
  await remove();
  expect(await bench.supervisorLog()).toContain('a logging binary ended before its container');
});

test('a process that is added has its own', async () => {
  const logger = await TestLogger.make(bench, 'added');
  const { exit, remove } = await started('host', ['sleep', '1000']);
  const e = { id: 'host', execId: 'e' };
  const spec = jsonBytes(TYPE_URL.process, {
    args: ['sh', '-c', 'echo out; echo err >&2'],
    cwd: '/',
    env: ['PATH=/bin'],
  });
  const streams = { stdin: '', stdout: logger.uri(), stderr: logger.uri(), terminal: false };
  for (const round of ['first', 'second']) {
    await bench.tasks.exec({ ...e, ...streams, spec });
    const ended = bench.tasks.wait(e);
    await bench.tasks.start(e);
    expect(await ended).toMatchObject({ exitStatus: 0 });
    await bench.tasks.delete(e);
    expect([round, await logger.read('out'), await logger.read('err')]).toEqual([round, 'out\n', 'err\n']);
  }
  const files = await readdir(join(layout(bench.state).tasks, bench.namespace, 'host'));
  expect(files.filter((name) => name.startsWith('exec'))).toEqual([]);
  await bench.tasks.kill({ id: 'host', signal: 9 });
  await exit;
  await remove();
});

test('a terminal goes to one stream', async () => {
  const logger = await TestLogger.make(bench, 'tty');
  const { exit, remove } = await started('tty', ['sh', '-c', 'tty; echo err >&2'], {
    ...{ stdout: logger.uri(), terminal: true },
  });
  await exit;
  await remove();
  expect(await logger.hasEnded()).toBe(true);
  expect([await logger.read('out'), await logger.read('err')]).toEqual(['/dev/pts/0\r\nerr\r\n', '']);
});

test.each([false, true])(
  'the program outlives a supervisor and serves the next (terminal: %s)',
  async (terminal) => {
    const name = `lasting-${terminal}`;
    const logger = await TestLogger.make(bench, name, ONE_PROCESS);
    const stdin = await bench.fifo(`${name}-in`);
    const script = 'stty -echo 2>/dev/null; echo 1; read x; echo 2; read x; busybox seq 1 100000; exit 6';
    const { exit, remove } = await started(name, ['sh', '-c', script], {
      ...{ stdin, stdout: logger.uri(), terminal },
    });
    const shows = (lines: string) =>
      eventually(async () => (await logger.read('out').catch(() => '')).replaceAll('\r', '') === lines);
    await shows('1\n');
    const pid = await logger.pid();
    await killSupervisor();
    expect(await readFile(`/proc/${pid}/comm`, 'utf8')).toBe('cat\n');
    await using keyboard = await open(stdin, 'w');
    await keyboard.writeFile('\n');
    await shows('1\n2\n');
    // Known to the new one, too: what its container writes is dropped now.
    process.kill(pid, 'SIGKILL');
    await gone(pid);
    await keyboard.writeFile('\n');
    expect(await exit).toMatchObject({ exitStatus: 6 });
    await remove();
  },
);

test('a container that never starts leaves no program behind', async () => {
  const logger = await TestLogger.make(bench, 'never');
  await bench.tasks.create(await bench.container('never', ['true'], { stdout: logger.uri() }));
  await bench.tasks.delete({ id: 'never' });
  expect(await logger.hasEnded()).toBe(true);
  const broken = await bench.container('broken', ['/nowhere'], { stdout: logger.uri() });
  await expect(bench.tasks.create(broken)).rejects.toMatchObject({ kind: 'unknown' });
});
