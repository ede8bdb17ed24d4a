import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { jsonBytes, TYPE_URL } from '@stowage/core';
import { Poller } from '@stowage/linux/poller';
import { MemoryWatch } from '../src/supervisor/memory-watch.ts';
import { readTaskRecord } from '../src/supervisor/task-record.ts';
import { eventually, Workbench } from './fixtures/workbench.ts';

let bench: Workbench;
beforeAll(async () => {
  bench = await Workbench.open();
});
afterAll(async () => {
  await bench[Symbol.asyncDispose]();
});

/** A cgroup of version 2, as far as a watch looks at it. */
async function cgroup() {
  const directory = await mkdtemp(join(tmpdir(), 'memory-'));
  const kills = (count: number) =>
    writeFile(join(directory, 'memory.events'), `max 9\noom ${count}\noom_kill ${count}\n`);
  await kills(2);
  const paths = { kind: 'v2', v1: new Map(), v2: directory } as const;
  return { kills, paths, [Symbol.asyncDispose]: () => rm(directory, { recursive: true }) };
}

test('what the kernel counted and nobody told is told when a process ends, once', async () => {
  await using dir = await cgroup();
  await using poller = new Poller();
  let told = 0;
  const tell = async () => void told++;
  // As of a supervisor that died: two were killed meanwhile, and it had counted none.
  using watch = new MemoryWatch(dir.paths, poller, tell, { before: 0n, counted: 0n });
  expect(await watch.count()).toBe(true);
  expect(told).toBe(1);
  expect(await watch.count()).toBe(true);
  expect(told).toBe(1);
  expect(await watch.last()).toEqual({ before: 0n, counted: 2n });
});

test('what the watch has told is not told again, and what was before the container never', async () => {
  await using dir = await cgroup();
  await using poller = new Poller();
  let told = 0;
  using watch = new MemoryWatch(dir.paths, poller, async () => void told++);
  expect(await watch.count()).toBe(false);
  await new Promise((resolve) => setTimeout(resolve, 100));
  expect(told).toBe(0);
  await dir.kills(3);
  await eventually(() => told === 1);
  expect(await watch.count()).toBe(true);
  expect(told).toBe(1);
});

test('without a memory controller nothing is told', async () => {
  await using poller = new Poller();
  const nowhere = { kind: 'v2', v1: new Map(), v2: '/no/cgroup' } as const;
  using watch = new MemoryWatch(nowhere, poller, async () => expect(true).toBe(false));
  expect(await watch.count()).toBe(false);
  expect(await watch.last()).toBeUndefined();
});

const EAT = 'x=a; while :; do x=$x$x; done';

test('a process that was added and killed for want of memory is known to be, and the init is not', async () => {
  const request = await bench.container('m', ['sleep', '1000'], {
    change: (spec) => {
      spec.linux.resources.memory = { limit: 16 * 1024 * 1024, swap: 16 * 1024 * 1024 };
    },
  });
  await bench.tasks.create(request);
  await bench.tasks.start({ id: 'm' });
  const none = { stdin: '', stdout: '', stderr: '', terminal: false };
  const spec = jsonBytes(TYPE_URL.process, { args: ['sh', '-c', EAT], cwd: '/', env: ['PATH=/bin'] });
  await bench.tasks.exec({ ...none, id: 'm', execId: 'e', spec });
  const exit = bench.tasks.wait({ id: 'm', execId: 'e' });
  await bench.tasks.start({ id: 'm', execId: 'e' });
  expect(await exit).toMatchObject({ exitStatus: 137 });
  const topics = bench.topicsOf('m');
  expect(topics.indexOf('oom')).toBeGreaterThan(-1);
  expect(topics.indexOf('oom')).toBeLessThan(topics.indexOf('exit:e'));
  expect(await bench.supervisorLog()).toMatch(/for want of memory.*"execId":"e"/);
  const record = await readTaskRecord(join(bench.state, 'tasks', bench.namespace, 'm'));
  expect(record?.execs).toMatchObject([{ execId: 'e', outOfMemory: true }]);
  expect(record?.init.outOfMemory).toBeUndefined();
  const listed = (await bench.supervisorList()).map(({ state, outOfMemory }) => [state?.execId, outOfMemory]);
  expect(listed.sort()).toEqual([
    ['', false],
    ['e', true],
  ]);
  expect(await bench.tasks.state({ id: 'm' })).toMatchObject({ status: 'running' });
  const end = bench.tasks.wait({ id: 'm' });
  await bench.tasks.kill({ id: 'm', signal: 9 });
  await end;
  await bench.tasks.delete({ id: 'm' });
});

test('an end for want of memory while no supervisor was there is told by the next', async () => {
  const request = await bench.container('n', ['sh', '-c', `read x; ${EAT}`], {
    stdin: await bench.fifo('go'),
    change: (spec) => {
      spec.linux.resources.memory = { limit: 16 * 1024 * 1024, swap: 16 * 1024 * 1024 };
    },
  });
  await bench.tasks.create(request);
  await bench.tasks.start({ id: 'n' });
  const supervisor = await bench.supervisorPid();
  await bench.runtime[Symbol.asyncDispose]();
  process.kill(supervisor, 'SIGKILL');
  await writeFile(join(bench.directory, 'go'), 'go\n');
  const { pid } = (await readTaskRecord(join(bench.state, 'tasks', bench.namespace, 'n')))?.init ?? {};
  await eventually(() => {
    try {
      return !process.kill(pid ?? 0, 0);
    } catch {
      return true;
    }
  }, 20_000);
  await bench.reopen();
  await bench.tasks.wait({ id: 'n' });
  await eventually(() => bench.topicsOf('n').includes('exit'), 20_000);
  expect(bench.topicsOf('n')).toEqual(['create', 'start', 'oom', 'exit']);
  await bench.tasks.delete({ id: 'n' });
});
