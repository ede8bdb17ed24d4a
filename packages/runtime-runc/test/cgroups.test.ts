import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readFile, rmdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { jsonBytes, TYPE_URL } from '@stowage/core';
import { hasCode } from '@stowage/linux';
import { cgroupLayout } from '@stowage/linux/cgroup';
import { eventually, gone, Workbench } from './fixtures/workbench.ts';

let bench: Workbench;
beforeEach(async () => {
  bench = await Workbench.open();
});
afterEach(async () => {
  await bench[Symbol.asyncDispose]();
});

const layout = await cgroupLayout();
const roots = [...new Set([...layout.v1.values()].map(({ mountPoint }) => mountPoint))];
const onV1 = roots.length > 0 ? test : test.skip;
const isThere = async (path: string) => (await stat(path).catch(() => undefined)) !== undefined;
const namespaceCgroups = () => Promise.all(roots.map((root) => isThere(join(root, bench.namespace))));

async function killed(id: string): Promise<void> {
  const exit = bench.tasks.wait({ id });
  await bench.tasks.kill({ id, signal: 9 });
  await exit;
  await bench.tasks.delete({ id });
}

test('a container whose spec names no cgroup is put where clients put theirs, and nothing else is changed', async () => {
  const largest = '9223372036854775807';
  const request = await bench.container('d', ['sleep', '1000'], {
    change: (spec) => {
      spec.linux.resources.memory = { limit: 'largest' };
      delete (spec.linux as { cgroupsPath?: string }).cgroupsPath;
    },
  });
  const config = join(request.bundle, 'config.json');
  await writeFile(config, (await readFile(config, 'utf8')).replace('"largest"', largest));
  const { pid } = await bench.tasks.create(request);
  expect(await readFile(`/proc/${pid}/cgroup`, 'latin1')).toMatch(new RegExp(`:/${bench.namespace}/d$`, 'm'));
  const written = await readFile(config, 'utf8');
  expect(written).toContain(`"limit":${largest}`);
  expect(JSON.parse(written).linux.cgroupsPath).toBe(`/${bench.namespace}/d`);
  await bench.tasks.delete({ id: 'd' });
});

onV1('with the last container of a namespace its cgroup goes, and comes again with the next', async () => {
  for (let round = 0; round < 2; round++) {
    await bench.tasks.create(await bench.container('a', ['true']));
    await bench.tasks.create(await bench.container('b', ['true']));
    expect(await namespaceCgroups()).toContain(true);
    await bench.tasks.delete({ id: 'a' });
    await new Promise((resolve) => setTimeout(resolve, 2500));
    expect(await namespaceCgroups()).toContain(true);
    await bench.tasks.delete({ id: 'b' });
    await eventually(async () => !(await namespaceCgroups()).includes(true), 15_000);
  }
});

onV1('a cgroup that somebody else uses stays', async () => {
  await bench.tasks.create(await bench.container('a', ['true']));
  const [root = ''] = roots;
  const foreign = join(root, bench.namespace, 'foreign');
  await mkdir(foreign, { recursive: true });
  await bench.tasks.delete({ id: 'a' });
  const others = roots.slice(1).map((one) => join(one, bench.namespace));
  await eventually(async () => !(await Promise.all(others.map(isThere))).includes(true), 15_000);
  expect(await isThere(foreign)).toBe(true);
  await rmdir(foreign);
});

test('limits that are no limits are refused, and change nothing', async () => {
  await bench.tasks.create(await bench.container('u', ['sleep', '1000']));
  await bench.tasks.start({ id: 'u' });
  const update = (value: string, typeUrl: string = TYPE_URL.linuxResources) =>
    bench.tasks.update({ id: 'u', resources: { typeUrl, value: Buffer.from(value) } });
  const invalid = (text: RegExp) => ({ kind: 'invalid_argument', message: expect.stringMatching(text) });
  await expect(update('{')).rejects.toMatchObject(invalid(/no JSON/));
  await expect(update('[1]')).rejects.toMatchObject(invalid(/no object/));
  await expect(update('{}', TYPE_URL.process)).rejects.toMatchObject(invalid(/LinuxResources/));
  const tooLow = jsonBytes(TYPE_URL.linuxResources, { memory: { limit: 1 } });
  await expect(bench.tasks.update({ id: 'u', resources: tooLow })).rejects.toMatchObject({
    kind: 'unknown',
    message: expect.stringMatching(/^runc update u: .*memory/),
  });
  const annotations = { 'example.com/why': 'test' };
  const some = jsonBytes(TYPE_URL.linuxResources, { pids: { limit: 50 } });
  await bench.tasks.pause('u');
  await bench.tasks.update({ id: 'u', resources: some, annotations });
  await bench.tasks.resume('u');
  const exit = bench.tasks.wait({ id: 'u' });
  await bench.tasks.kill({ id: 'u', signal: 9 });
  await exit;
  await expect(bench.tasks.update({ id: 'u', resources: some })).rejects.toMatchObject({
    kind: 'failed_precondition',
  });
  await bench.tasks.delete({ id: 'u' });
});

/** Starts a container and waits to be killed. */
const DAEMON = `
const [source, state, namespace, request] = process.argv.slice(1);
const { RuncRuntime } = await import(source);
const runtime = await RuncRuntime.open({ state, events: { forward: async () => {} } });
const tasks = runtime.tasks(namespace);
const { id } = JSON.parse(request);
await tasks.create(JSON.parse(request));
await tasks.start({ id });
process.stdout.write('running\\n');
setInterval(() => {}, 1000);
`;

onV1('the end of all in the cgroups of a daemon ends neither supervisor nor containers', async () => {
  const name = `unit-${bench.namespace}`;
  const places = roots.map((root) => join(root, name));
  for (const place of places) {
    await mkdir(place);
    if (!place.includes('cpuset')) continue;
    for (const file of ['cpuset.cpus', 'cpuset.mems'])
      await writeFile(join(place, file), await readFile(join(place, '..', file), 'latin1'));
  }
  const request = JSON.stringify(await bench.container('c', ['sleep', '1000']));
  const source = new URL('../src/index.ts', import.meta.url).href;
  const enter = places.map((place) => `echo $$ >'${place}/cgroup.procs'`).join(' && ');
  const node = [
    process.execPath,
    ...['--conditions=stowage-source', '--disable-warning=ExperimentalWarning', '--input-type=module'],
  ];
  const argv = [...node, '-e', DAEMON, source, bench.state, bench.namespace, request];
  const daemon = spawn('sh', ['-c', `${enter} && exec "$@"`, 'sh', ...argv], {
    env: { ...process.env, NODE_OPTIONS: '' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const said = text(daemon.stderr);
  const ended = once(daemon, 'exit');
  const first = await Promise.race([once(daemon.stdout, 'data'), ended]);
  if (String(first[0]) !== 'running\n') throw new Error(await said);
  const supervisor = await bench.supervisorPid();
  const inUnit = async () => {
    const lists = await Promise.all(places.map((place) => readFile(join(place, 'cgroup.procs'), 'latin1')));
    return [...new Set(lists.join('').split('\n').filter(Boolean).map(Number))];
  };
  expect(await readFile(`/proc/${daemon.pid}/cgroup`, 'latin1')).toMatch(new RegExp(`:/${name}$`, 'm'));
  // As systemd ends a unit with KillMode=control-group: all that are in it, until there are none.
  await eventually(async () => {
    const pids = await inUnit();
    for (const pid of pids) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch (e) {
        // It was ending already.
        if (!hasCode(e, 'ESRCH')) throw e;
      }
    }
    return pids.length === 0;
  });
  await gone(daemon.pid as number);
  await ended;
  for (const place of places) await rmdir(place);

  await bench.runtime[Symbol.asyncDispose]();
  await bench.reopen();
  expect(await bench.supervisorPid()).toBe(supervisor);
  expect(await bench.tasks.state({ id: 'c' })).toMatchObject({ status: 'running' });
  expect(await readFile(`/proc/${supervisor}/cgroup`, 'latin1')).toMatch(/:\/_stowage$/m);
  await killed('c');
});

onV1("one that ends with its program stays in that program's cgroups", async () => {
  await bench.runtime[Symbol.asyncDispose]();
  await bench.reopen({ lifetime: 'owned' });
  await bench.tasks.create(await bench.container('o', ['true']));
  const own = await readFile('/proc/self/cgroup', 'latin1');
  expect(await readFile(`/proc/${await bench.supervisorPid()}/cgroup`, 'latin1')).toBe(own);
  await bench.tasks.delete({ id: 'o' });
});
