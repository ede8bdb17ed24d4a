import { createReadStream } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { MetricsSchema } from '@stowage/api/cgroups/v1';
import { OptionsSchema, ProcessDetailsSchema } from '@stowage/api/runc/v1';
import { jsonBytes, TYPE_URL } from '@stowage/core';
import { packMessage, unpackMessage } from '@stowage/rpc';
import { census, eventually, gone, type Spec, Workbench } from './fixtures/workbench.ts';

let bench: Workbench;
let before: unknown;
beforeAll(async () => {
  bench = await Workbench.open();
  before = await census(bench);
});
afterAll(async () => {
  await using ending = bench;
  expect(await census(ending)).toEqual(before);
  expect(ending.complaints).toEqual([]);
});

async function started(...container: Parameters<Workbench['container']>) {
  const [id] = container;
  const { pid } = await bench.tasks.create(await bench.container(...container));
  const exit = bench.tasks.wait({ id });
  await bench.tasks.start({ id });
  const end = async () => {
    await bench.tasks.kill({ id, signal: 9 });
    await exit;
    await bench.tasks.delete({ id });
  };
  return { id, pid, exit, end };
}

test('a container is paused and resumed, and killed while it is paused', async () => {
  const { id, exit } = await started('p', ['sleep', '1000']);
  await bench.tasks.pause(id);
  expect(await bench.tasks.state({ id })).toMatchObject({ status: 'paused' });
  await expect(bench.tasks.pause(id)).rejects.toMatchObject({ kind: 'failed_precondition' });
  const none = { stdin: '', stdout: '', stderr: '', terminal: false };
  const exec = { ...none, id, execId: 'e', spec: jsonBytes(TYPE_URL.process, { args: ['true'], cwd: '/' }) };
  await expect(bench.tasks.exec(exec)).rejects.toMatchObject({ kind: 'failed_precondition' });
  await bench.tasks.resume(id);
  expect(await bench.tasks.state({ id })).toMatchObject({ status: 'running' });
  await bench.tasks.pause(id);
  await bench.tasks.kill({ id, signal: 9 });
  expect(await exit).toMatchObject({ exitStatus: 137 });
  await bench.tasks.delete({ id });
  expect(bench.topicsOf(id)).toEqual(['create', 'start', 'paused', 'resumed', 'paused', 'exit', 'delete']);
});

test('pids are those of all processes, and tell which were added', async () => {
  const { id, pid, end } = await started('pids', ['sh', '-c', 'sleep 1000 & sleep 1000; true']);
  const none = { stdin: '', stdout: '', stderr: '', terminal: false };
  const spec = jsonBytes(TYPE_URL.process, { args: ['sleep', '1000'], cwd: '/', env: ['PATH=/bin'] });
  await bench.tasks.exec({ ...none, id, execId: 'e', spec });
  const exec = await bench.tasks.start({ id, execId: 'e' });
  await eventually(async () => (await bench.tasks.pids(id)).length === 4);
  const pids = await bench.tasks.pids(id);
  expect(pids).toContainEqual({ pid });
  const { info } = pids.find((one) => one.pid === exec.pid) ?? {};
  expect(info && unpackMessage(ProcessDetailsSchema, info)).toMatchObject({ execId: 'e' });
  await end();
});

test('figures of the cgroup, as the messages of containerd have them', async () => {
  const { id, end } = await started('stats', ['sh', '-c', 'while :; do :; done'], {
    change: (spec) => {
      spec.linux.resources.memory = { limit: 64 * 1024 * 1024 };
      spec.linux.resources.pids = { limit: 100 };
    },
  });
  const metrics = unpackMessage(MetricsSchema, await bench.tasks.stats(id));
  expect(metrics.pids).toMatchObject({ current: 1n, limit: 100n });
  expect(metrics.memory?.usage?.limit).toBe(67108864n);
  expect(metrics.memory?.pgFault).toBeGreaterThan(0n);
  expect(metrics.memory?.hierarchicalMemoryLimit).toBe(67108864n);
  expect(metrics.cpu?.usage?.total).toBeGreaterThan(0n);
  await end();
});

test('limits are changed while it runs', async () => {
  const { id, end } = await started('limits', ['sleep', '1000']);
  await bench.tasks.update({ id, resources: jsonBytes(TYPE_URL.linuxResources, { pids: { limit: 17 } }) });
  const metrics = unpackMessage(MetricsSchema, await bench.tasks.stats(id));
  expect(metrics.pids?.limit).toBe(17n);
  await expect(bench.tasks.update({ id, resources: undefined })).rejects.toMatchObject({
    kind: 'invalid_argument',
  });
  await end();
});

test('running out of memory is told, and ends as a kill', async () => {
  const script = 'x=a; while :; do x=$x$x; done';
  const { id, exit } = await started('oom', ['sh', '-c', script], {
    change: (spec) => {
      spec.linux.resources.memory = { limit: 16 * 1024 * 1024, swap: 16 * 1024 * 1024 };
    },
  });
  expect(await exit).toMatchObject({ exitStatus: 137 });
  await bench.tasks.delete({ id });
  expect(new Set(bench.topicsOf(id))).toEqual(new Set(['create', 'start', 'oom', 'exit', 'delete']));
});

const hostPids = (spec: Spec) => {
  spec.linux.namespaces = spec.linux.namespaces.filter(({ type }) => type !== 'pid');
};

test('in the pid namespace of the host, all processes of a container end with its init', async () => {
  const stdout = await bench.fifo('host');
  const output = text(createReadStream(stdout));
  const script = 'sleep 1000 & echo $!; sleep 0.1';
  const { id, exit } = await started('host', ['sh', '-c', script], { stdout, change: hostPids });
  expect(await exit).toMatchObject({ exitStatus: 0 });
  const child = Number((await output).trim());
  await gone(child);
  await bench.tasks.delete({ id });
});

test('orphans of a container are reaped, and so is whatever else ends here', async () => {
  const script = '(sleep 0.2 & sleep 0.2 &) ; sleep 1000; true';
  const { id, end } = await started('orphans', ['sh', '-c', script], { change: hostPids });
  const supervisor = await bench.supervisorPid();
  const zombies = async () => {
    const children = await readFile(`/proc/${supervisor}/task/${supervisor}/children`, 'latin1');
    const stats = children
      .split(' ')
      .filter(Boolean)
      .map((pid) => readFile(`/proc/${pid}/stat`, 'latin1').catch(() => ''));
    return (await Promise.all(stats)).filter((stat) => /\) Z /.test(stat)).length;
  };
  await eventually(async () => (await zombies()) > 0);
  await eventually(async () => (await zombies()) === 0);
  await eventually(async () => (await bench.tasks.pids(id)).length === 2);
  await end();
});

test('memory may be taken from a container no less than from anybody', async () => {
  const score = async (pid: number | 'self') =>
    Number(await readFile(`/proc/${pid}/oom_score_adj`, 'latin1'));
  const { pid, end } = await started('score', ['sleep', '1000']);
  expect(await score(pid)).toBe(await score('self'));
  // Where it may lower its own, which takes CAP_SYS_RESOURCE.
  expect([-999, await score('self')]).toContain(await score(await bench.supervisorPid()));
  await end();
});

test('kill of all reaches processes that are not the init', async () => {
  const { id, exit } = await started('all', ['sh', '-c', 'trap : TERM; sleep 1000; exit 3']);
  await eventually(async () => (await bench.tasks.pids(id)).length === 2);
  await bench.tasks.kill({ id, signal: 15, all: true });
  expect(await exit).toMatchObject({ exitStatus: 3 });
  await bench.tasks.delete({ id });
});

test('a create that is given up leaves nothing', async () => {
  const giveUp = new AbortController();
  const reason = new Error('enough');
  const request = await bench.container('given-up', ['true']);
  const creating = bench.tasks.create(request, { signal: giveUp.signal });
  setTimeout(() => giveUp.abort(reason), 15);
  await expect(creating).rejects.toBe(reason);
  await eventually(async () => JSON.stringify(await census(bench)) === JSON.stringify(before));
  await eventually(async () => {
    try {
      await bench.tasks.create(request);
      return true;
    } catch {
      return false;
    }
  });
  await bench.tasks.delete({ id: 'given-up' });
});

test('a runtime that hangs holds up nobody else', async () => {
  const binaryName = join(bench.directory, 'slow-runc');
  const script = '#!/bin/sh\ncase "$*" in *" start "*) sleep 2;; esac\nexec runc "$@"\n';
  await writeFile(binaryName, script, { mode: 0o755 });
  const options = packMessage(OptionsSchema, { binaryName });
  const { pid } = await bench.tasks.create(await bench.container('stuck', ['sleep', '1000'], { options }));
  const starting = bench.tasks.start({ id: 'stuck' });
  const since = performance.now();
  const other = await started('other', ['true']);
  expect(await other.exit).toMatchObject({ exitStatus: 0 });
  await bench.tasks.delete({ id: 'other' });
  expect(await bench.tasks.state({ id: 'stuck' })).toMatchObject({ pid, status: 'created' });
  expect(performance.now() - since).toBeLessThan(1500);
  await bench.tasks.kill({ id: 'stuck', signal: 9 });
  await expect(starting).rejects.toMatchObject({ kind: expect.any(String) });
  expect(await bench.tasks.wait({ id: 'stuck' })).toMatchObject({ exitStatus: 137 });
  await bench.tasks.delete({ id: 'stuck' });
});
