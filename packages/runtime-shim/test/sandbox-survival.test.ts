import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { Pods, pod } from './fixtures/pods.ts';
import { census, eventually } from './fixtures/workbench.ts';

let pods: Pods;
let before: object;
beforeEach(async () => {
  pods = await Pods.open();
  before = await census(pods.bench);
});
afterEach(async () => {
  await using _ = pods;
});

const nothingLeft = async () => {
  await eventually(async () => (await pods.bundles()).length === 0);
  await eventually(async () => JSON.stringify(await census(pods.bench)) === JSON.stringify(before));
};

const isAlive = (pid: number) =>
  stat(`/proc/${pid}/exe`).then(
    () => true,
    () => false,
  );

/** A container that joins a sandbox, and runs. */
async function joined(
  id: string,
  sandbox: { id: string; address: string; version: number },
  args = ['sleep', '100'],
) {
  const { bench } = pods;
  const { rootfs: _, ...request } = await bench.container(id, args, { runtime: 'io.containerd.none.v1' });
  const { pid } = await bench.tasks.create({ ...request, rootfs: [], sandbox });
  await bench.tasks.start({ id });
  return pid;
}

test('containers join the shim of a sandbox, by its address or its id, and leave it running', async () => {
  const { bench } = pods;
  const { address, version } = await pods.run('p');
  await joined('a', { id: 'p', address, version });
  await joined('b', { id: 'p', address: '', version: 0 });
  // One of a controller in another process: nothing but the address is known.
  await joined('c', { id: '', address, version }, ['true']);
  expect(await bench.shims()).toHaveLength(1);
  expect(await bench.tasks.wait({ id: 'c' })).toMatchObject({ exitStatus: 0 });
  for (const id of ['a', 'b', 'c']) {
    if (id !== 'c') {
      const exit = bench.tasks.wait({ id });
      await bench.tasks.kill({ id, signal: 9 });
      expect(await exit).toMatchObject({ exitStatus: 137 });
    }
    await bench.tasks.delete({ id });
    expect(bench.topicsOf(id)).toEqual(['create', 'start', 'exit', 'delete']);
    await expect(bench.tasks.state({ id })).rejects.toMatchObject({ kind: 'not_found' });
  }
  expect(await pods.controller().status('p')).toMatchObject({ state: 'SANDBOX_READY' });
  expect(bench.complaints).toEqual([]);
  await pods.controller().shutdown('p');
  await nothingLeft();
});

test.each([
  ['nowhere', { id: 'q', address: '', version: 0 }, 'not_found', /its sandbox "q" is not running/],
  ['no protocol', { id: 'q', address: '/run/x', version: 3 }, 'invalid_argument', /the form ttrpc\+unix/],
  [
    'no version',
    { id: 'q', address: 'ttrpc+unix:///run/x', version: 0 },
    'invalid_argument',
    /version 2 or 3, got 0/,
  ],
  [
    'a version of the future',
    { id: 'q', address: 'ttrpc+unix:///run/x', version: 4 },
    'unimplemented',
    /version 4/,
  ],
  ['a virtual machine', { id: 'q', address: 'ttrpc+vsock://3:1024', version: 3 }, 'unimplemented', /vsock/],
  ['grpc', { id: 'q', address: 'grpc+unix:///run/x', version: 3 }, 'unimplemented', /"grpc", not ttrpc/],
  ['nobody', { id: 'q', address: 'ttrpc+unix:///no/such', version: 3 }, 'unavailable', /no such socket/],
] as const)('a container that is to join %s is refused', async (_, sandbox, kind, message) => {
  await expect(joined('a', sandbox)).rejects.toMatchObject({ kind, message: expect.stringMatching(message) });
  await expect(pods.bench.tasks.state({ id: 'a' })).rejects.toMatchObject({ kind: 'not_found' });
});

test('a sandbox and its containers are found again after a restart', async () => {
  const { bench } = pods;
  const { address, version, pid } = await pods.run('p');
  const container = await joined('a', { id: 'p', address, version });
  await pods.controller().create(pod('made'));
  await pods.end();
  await pods.begin();
  const controller = pods.controller();
  expect(await controller.status('p')).toMatchObject({ state: 'SANDBOX_READY', pid, address, version });
  expect(await bench.tasks.state({ id: 'a' })).toMatchObject({ status: 'running', pid: container });
  await expect(controller.create(pod('p'))).rejects.toMatchObject({ kind: 'already_exists' });
  await controller.start('made');
  await bench.tasks.kill({ id: 'a', signal: 9 });
  expect(await bench.tasks.wait({ id: 'a' })).toMatchObject({ exitStatus: 137 });
  await bench.tasks.delete({ id: 'a' });
  expect(await controller.status('p')).toMatchObject({ state: 'SANDBOX_READY' });
  await controller.stop('p');
  await eventually(() => pods.told.includes('exit 7'));
  // The end that was told is not told again by the next process.
  await pods.end();
  await pods.begin();
  expect(await pods.controller().wait('p')).toMatchObject({ exitStatus: 7 });
  for (const id of ['p', 'made']) await pods.controller().shutdown(id);
  await eventually(() => pods.told.filter((topic) => topic.startsWith('exit')).length >= 2);
  expect(pods.told).toEqual(['create', 'start', 'create', 'start', 'exit 7', 'exit 255']);
  await nothingLeft();
});

test('a sandbox whose shim is killed is told as ended, its containers too, and nothing is left', async () => {
  const { bench } = pods;
  const { address, version, pid } = await pods.run('p');
  await pods.run('stays');
  const container = await joined('a', { id: 'p', address, version });
  const [end, exit] = [pods.controller().wait('p'), bench.tasks.wait({ id: 'a' })];
  process.kill(pid, 'SIGKILL');
  expect(await end).toMatchObject({ exitStatus: 255 });
  // What the shim's binary says of the container that it cleans up after.
  expect(await exit).toMatchObject({ exitStatus: 137 });
  await eventually(() => bench.topicsOf('a').at(-1) === 'delete');
  expect(bench.topicsOf('a')).toEqual(['create', 'start', 'exit', 'delete']);
  await eventually(() => pods.told.includes('exit 255'));
  expect(pods.told.filter((topic) => topic.startsWith('exit'))).toEqual(['exit 255']);
  await eventually(async () => !(await isAlive(container)));
  await eventually(async () => (await pods.bundles()).join() === 'stays');
  const controller = pods.controller();
  expect(await controller.status('p')).toMatchObject({ state: '', exitedAt: expect.any(Date) });
  expect(await controller.wait('p')).toMatchObject({ exitStatus: 255 });
  await controller.stop('p');
  await controller.shutdown('p');
  await expect(controller.wait('p')).rejects.toMatchObject({ kind: 'not_found' });
  expect(await controller.status('stays')).toMatchObject({ state: 'SANDBOX_READY' });
  // The id can be used again.
  await pods.run('p');
  for (const id of ['p', 'stays']) await controller.shutdown(id);
  await nothingLeft();
});

test('a shim that died while nobody was there is told at the next start, once', async () => {
  const { pid } = await pods.run('p');
  await pods.controller().create(pod('made'));
  const { pid: madePid } = await pods.controller().status('made');
  await pods.end();
  for (const dead of [pid, madePid]) process.kill(dead, 'SIGKILL');
  await pods.begin();
  await eventually(() => pods.told.length === 4);
  expect(pods.told).toEqual(['create', 'start', 'create', 'exit 255']);
  expect(await pods.controller().wait('p')).toMatchObject({ exitStatus: 255 });
  expect(pods.told).toHaveLength(4);
  await nothingLeft();
});

test('what a process left half made is gone after the next start; what can not be read is left alone', async () => {
  const { pid } = await pods.run('half');
  await pods.controller().create(pod('broken'));
  const bundle = (id: string) => join(pods.state, pods.bench.namespace, id);
  await pods.end();
  const record = JSON.parse(await readFile(join(bundle('half'), 'sandbox.json'), 'utf8'));
  await writeFile(join(bundle('half'), 'sandbox.json'), JSON.stringify({ ...record, phase: 'making' }));
  const good = await readFile(join(bundle('broken'), 'sandbox.json'), 'utf8');
  await writeFile(join(bundle('broken'), 'sandbox.json'), '{}');
  await pods.begin();
  expect(await pods.bundles()).toEqual(['broken']);
  await eventually(async () => !(await isAlive(pid)));
  expect(pods.bench.complaints).toMatchObject([
    { msg: expect.stringMatching(/record of a sandbox can not be read/) },
  ]);
  await pods.end();
  await writeFile(join(bundle('broken'), 'sandbox.json'), good);
  await pods.begin();
  await pods.controller().shutdown('broken');
  await nothingLeft();
});

test('a shim that is stopped keeps its sandbox, also across a restart', async () => {
  const { pid } = await pods.run('slow');
  await pods.run('quick');
  process.kill(pid, 'SIGSTOP');
  try {
    await pods.end();
    await pods.begin();
    expect(await pods.controller().status('quick')).toMatchObject({ state: 'SANDBOX_READY' });
    const asked = pods.controller().status('slow', { signal: AbortSignal.timeout(200) });
    await expect(asked).rejects.toMatchObject({ name: 'TimeoutError' });
  } finally {
    process.kill(pid, 'SIGCONT');
  }
  expect(await pods.controller().status('slow')).toMatchObject({ state: 'SANDBOX_READY' });
  for (const id of ['slow', 'quick']) await pods.controller().shutdown(id);
  await nothingLeft();
});
