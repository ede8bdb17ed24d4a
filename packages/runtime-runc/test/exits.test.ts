import { execFileSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { jsonBytes, TYPE_URL } from '@stowage/core';
import { census, eventually, type Spec, Workbench } from './fixtures/workbench.ts';

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

const none = { stdin: '', stdout: '', stderr: '', terminal: false };
const run = (script: string) =>
  jsonBytes(TYPE_URL.process, { args: ['sh', '-c', script], cwd: '/', env: ['PATH=/bin'] });

/** States of all children of the supervisor, by pid. */
async function children(): Promise<Map<string, string>> {
  const pid = await bench.supervisorPid();
  const { children: pids } = await census(bench);
  const states = pids.map(async (child): Promise<[string, string]> => {
    const stat = await readFile(`/proc/${child}/stat`, 'latin1').catch(() => ') gone');
    return [child, stat.slice(stat.lastIndexOf(')') + 2).split(' ')[0] ?? ''];
  });
  expect(pid).toBeGreaterThan(0);
  return new Map(await Promise.all(states));
}

const zombies = async () => [...(await children()).values()].filter((state) => state === 'Z').length;

test('200 orphans of a container in the pid namespace of the host are reaped, and no known exit is lost', async () => {
  const change = (spec: Spec) => {
    spec.linux.namespaces = spec.linux.namespaces.filter(({ type }) => type !== 'pid');
  };
  const script = 'i=0; while [ $i -lt 200 ]; do (sleep 0.5 &); i=$((i+1)); done; sleep 1000';
  await bench.tasks.create(await bench.container('host', ['sh', '-c', script], { change }));
  await bench.tasks.start({ id: 'host' });
  let most = 0;
  const counting = eventually(async () => {
    most = Math.max(most, (await children()).size);
    return most > 200;
  }, 20_000);
  const statuses = Array.from({ length: 20 }, async (_, i) => {
    const e = { id: 'host', execId: `e${i}` };
    await bench.tasks.exec({ ...e, ...none, spec: run(`(sleep 0.${i % 10} &); exit ${i + 1}`) });
    const exit = bench.tasks.wait(e);
    await bench.tasks.start(e);
    const { exitStatus } = await exit;
    await bench.tasks.delete(e);
    return exitStatus;
  });
  await counting;
  expect(await Promise.all(statuses)).toEqual(Array.from({ length: 20 }, (_, i) => i + 1));
  // The init, and the sleep that it waits for is its own child: nothing else is left.
  await eventually(async () => (await children()).size === 1 && (await zombies()) === 0, 20_000);
  const exit = bench.tasks.wait({ id: 'host' });
  await bench.tasks.kill({ id: 'host', signal: 9 });
  expect(await exit).toMatchObject({ exitStatus: 137 });
  await bench.tasks.delete({ id: 'host' });
  await eventually(async () => (await children()).size === 0, 20_000);
}, 90_000);

test('the exit of an added process that ends just before the init is told first, 50 times in a row', async () => {
  execFileSync('mkfifo', [join(bench.directory, 'lower/tmp/go')]);
  for (let round = 0; round < 50; round++) {
    const id = `r${round}`;
    await bench.tasks.create(await bench.container(id, ['sh', '-c', 'read x </tmp/go; exit 2']));
    await bench.tasks.start({ id });
    const e = { id, execId: 'e' };
    await bench.tasks.exec({ ...e, ...none, spec: run('echo >/tmp/go; exit 3') });
    const exits = [bench.tasks.wait(e), bench.tasks.wait({ id })];
    await bench.tasks.start(e);
    const [exec, init] = await Promise.all(exits);
    // The kernel ends what is left in a pid namespace when its init ends.
    expect([3, 137]).toContain(exec?.exitStatus);
    expect(init).toMatchObject({ exitStatus: 2 });
    await bench.tasks.delete({ id });
    await eventually(() => bench.topicsOf(id).at(-1) === 'delete');
    expect(bench.topicsOf(id)).toEqual([
      ...['create', 'start', 'exec-added:e', 'exec-started:e'],
      ...['exit:e', 'exit', 'delete'],
    ]);
  }
}, 120_000);
