import { spawn } from 'node:child_process';
import { createReadStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { buffer } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { jsonBytes, TYPE_URL } from '@stowage/core';
import { TestLogger } from './fixtures/logger.ts';
import { census, eventually, gone, Workbench } from './fixtures/workbench.ts';

let bench: Workbench;
let before: unknown;
beforeAll(async () => {
  bench = await Workbench.open();
  before = await census(bench);
});
afterAll(async () => {
  await using ending = bench;
  expect(await census(ending)).toEqual(before);
});

/** Peers that read nothing: 16, four times what libuv's pool has threads for. */
const STUCK = 16;
const MIB = 1024 * 1024;
const WRITE = ['sh', '-c', 'busybox stty raw 2>/dev/null; dd if=/dev/zero bs=64k count=16'];

async function start(...container: Parameters<Workbench['container']>): Promise<void> {
  await bench.tasks.create(await bench.container(...container));
  await bench.tasks.start({ id: container[0] });
}

/** Everything that a client does with one container. */
async function wholeLife(id: string): Promise<void> {
  const stdout = await bench.fifo(`${id}-out`);
  const output = buffer(createReadStream(stdout));
  await start(id, ['sh', '-c', 'echo x; sleep 1000'], { stdout });
  const e = { id, execId: 'e' };
  const spec = jsonBytes(TYPE_URL.process, { args: ['true'], cwd: '/', env: ['PATH=/bin'] });
  await bench.tasks.exec({ ...e, stdin: '', stdout: '', stderr: '', terminal: false, spec });
  const ended = bench.tasks.wait(e);
  await bench.tasks.start(e);
  expect(await ended).toMatchObject({ exitStatus: 0 });
  await bench.tasks.delete(e);
  await bench.tasks.kill({ id, signal: 9 });
  await bench.tasks.wait({ id });
  await bench.tasks.delete({ id });
  expect((await output).toString()).toBe('x\n');
}

async function residentBytes(): Promise<number> {
  const status = await readFile(`/proc/${await bench.supervisorPid()}/status`, 'latin1');
  return Number(/^VmRSS:\s*(\d+) kB/m.exec(status)?.[1]) * 1024;
}

/** What a container's process waits for, as the kernel names it. */
async function waitsToWrite(id: string): Promise<boolean> {
  const pids = await bench.tasks.pids(id);
  const channels = pids.map(({ pid }) => readFile(`/proc/${pid}/wchan`, 'latin1').catch(() => ''));
  return (await Promise.all(channels)).some((name) => /pipe|tty|wait_woken/.test(name));
}

async function remove(ids: readonly string[]): Promise<void> {
  await Promise.all(
    ids.map(async (id) => {
      await bench.tasks.kill({ id, signal: 9 });
      await bench.tasks.wait({ id });
      await bench.tasks.delete({ id });
    }),
  );
}

test.each([
  ['without a terminal', false],
  ['with a terminal', true],
])(
  'readers that are not there stop their containers, and nobody else: %s',
  async (name, terminal) => {
    await wholeLife(`warm-${terminal}`);
    const base = await residentBytes();
    const ids = Array.from({ length: STUCK }, (_, i) => `absent-${terminal}-${i}`);
    for (const id of ids) {
      const [stdin, stdout] = [await bench.fifo(`${id}-in`), await bench.fifo(`${id}-out`)];
      await start(id, WRITE, { stdin, stdout, terminal });
    }
    await eventually(async () => (await Promise.all(ids.map(waitsToWrite))).every(Boolean), 20_000);
    await Promise.all([wholeLife(`other-${terminal}-1`), wholeLife(`other-${terminal}-2`)]);
    expect((await residentBytes()) - base).toBeLessThan(STUCK * 2 * MIB);
    // Each goes on once it is read.
    const [first = ''] = ids;
    const exit = bench.tasks.wait({ id: first });
    const output = await buffer(createReadStream(`${bench.directory}/${first}-out`));
    expect([name, output.length]).toEqual([name, MIB + (terminal ? output.length - MIB : 0)]);
    expect(output.length).toBeGreaterThanOrEqual(MIB);
    expect(await exit).toMatchObject({ exitStatus: 0 });
    await bench.tasks.delete({ id: first });
    await remove(ids.slice(1));
  },
  120_000,
);

test('a reader that is stopped, and a logging binary that is, stop their containers, and nobody else', async () => {
  const stdout = await bench.fifo('stopped-out');
  const reader = spawn('cat', [stdout], { stdio: ['ignore', 'ignore', 'ignore'] });
  const logger = await TestLogger.make(bench, 'stopped');
  await start('reader', ['sh', '-c', 'echo; busybox seq 1 1000000'], { stdout });
  await start('logger', ['sh', '-c', 'echo; sleep 1; busybox seq 1 1000000'], { stdout: logger.uri() });
  process.kill(Number(reader.pid), 'SIGSTOP');
  await eventually(async () => (await logger.read('out').catch(() => '')) !== '');
  // With the programs that the script runs to copy.
  const stop = (signal: NodeJS.Signals, pid: number) => process.kill(-pid, signal);
  stop('SIGSTOP', await logger.pid());
  await eventually(
    async () =>
      (await waitsToWrite('logger')) || (await bench.tasks.state({ id: 'reader' })).status === 'stopped',
  );
  await eventually(() => waitsToWrite('logger'));
  await wholeLife('beside');
  const exits = ['reader', 'logger'].map((id) => bench.tasks.wait({ id }));
  process.kill(Number(reader.pid), 'SIGCONT');
  stop('SIGCONT', await logger.pid());
  for (const exit of exits) expect(await exit).toMatchObject({ exitStatus: 0 });
  for (const id of ['reader', 'logger']) await bench.tasks.delete({ id });
  expect((await logger.read('out')).length).toBeGreaterThan(6_000_000);
  await gone(Number(reader.pid));
});
