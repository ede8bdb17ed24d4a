import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { type Form, Pods, pod } from './fixtures/pods.ts';
import { census, eventually, RUNC_SHIM } from './fixtures/workbench.ts';

let pods: Pods;
let before: object;
beforeEach(async () => {
  pods = await Pods.open();
  before = await census(pods.bench);
});
afterEach(async () => {
  await using _ = pods;
});

const isClean = () =>
  eventually(async () => JSON.stringify(await census(pods.bench)) === JSON.stringify(before));
const nothingLeft = async () => {
  expect(await pods.bundles()).toEqual([]);
  await isClean();
};

describe.each<Form>(['local', 'namespaced', 'remote'])('%s', (form) => {
  test('a sandbox lives in a shim of its own, which is given all that the request says', async () => {
    const controller = pods.controller(form);
    await controller.create(pod('p', { a: 'b' }));
    await expect(controller.create(pod('p'))).rejects.toMatchObject({ kind: 'already_exists' });
    expect(await controller.status('p')).toMatchObject({ state: 'SANDBOX_NOTREADY', createdAt: undefined });
    const started = await controller.start('p');
    const [shim] = await pods.bench.shims('p');
    expect(started).toMatchObject({ id: 'p', pid: shim, version: 3, createdAt: expect.any(Date) });
    expect(started.address).toMatch(/^ttrpc\+unix:\/\/\//);
    expect(await controller.platform('p')).toEqual({ os: 'linux', architecture: 'riscv64' });
    const { address, version } = started;
    expect(await controller.status('p', { verbose: true })).toMatchObject({
      ...{ id: 'p', pid: shim, state: 'SANDBOX_READY', exitedAt: undefined, address, version },
      info: {
        ...{ a: 'b', netnsPath: '/run/netns/x', options: 'example.Options', config: '{"hostname":"p"}' },
        rootfs: expect.stringContaining('"source":"/s"'),
      },
    });
    expect((await controller.status('p')).info).toEqual({});
    expect(await controller.metrics('p')).toMatchObject({ id: 'p' });
    await controller.update({ ...pod('p').sandbox, labels: { a: '1' } }, ['labels']);
    const exits = [controller.wait('p'), controller.wait('p')];
    await controller.stop('p', { timeoutSeconds: 1 });
    for (const exit of await Promise.all(exits)) expect(exit).toMatchObject({ exitStatus: 7 });
    await controller.stop('p');
    expect(await controller.wait('p')).toMatchObject({ exitStatus: 7 });
    expect(await controller.status('p')).toMatchObject({
      state: 'SANDBOX_NOTREADY',
      exitedAt: expect.any(Date),
    });
    await controller.shutdown('p');
    await expect(controller.shutdown('p')).rejects.toMatchObject({ kind: 'not_found' });
    await nothingLeft();
    expect(pods.bench.complaints).toEqual([]);
  });

  test('one that is not there: refused, but a stop succeeds, and its state is empty and ended', async () => {
    const controller = pods.controller(form);
    for (const call of [controller.start, controller.platform, controller.wait, controller.metrics])
      await expect(call('p')).rejects.toMatchObject({ kind: 'not_found' });
    await controller.stop('p');
    const since = Date.now() - 1000;
    const { state, exitedAt } = await controller.status('p');
    expect(state).toBe('');
    expect(exitedAt?.getTime()).toBeGreaterThan(since);
  });

  test('a second start is refused, and the sandbox goes on', async () => {
    const controller = pods.controller(form);
    await controller.create(pod('p'));
    await controller.start('p');
    await expect(controller.start('p')).rejects.toMatchObject({ kind: 'failed_precondition' });
    expect(await controller.status('p')).toMatchObject({ state: 'SANDBOX_READY' });
  });

  test.each(['create', 'start'] as const)('a %s that fails leaves nothing', async (call) => {
    const controller = pods.controller(form);
    const making = controller.create(pod('p', { fail: call }));
    const made = call === 'create' ? making : making.then(() => controller.start('p'));
    await expect(made).rejects.toMatchObject({ message: expect.stringContaining('as asked for') });
    await nothingLeft();
    expect(await controller.status('p')).toMatchObject({ state: '' });
    // The id can be used again.
    await controller.create(pod('p'));
    await controller.start('p');
  });
});

test('the shim of containerd 1.6 has no sandboxes, which is said, and nothing is left', async () => {
  const controller = pods.controller();
  await expect(controller.create(pod('p', {}, RUNC_SHIM))).rejects.toMatchObject({
    kind: 'unimplemented',
    message: expect.stringMatching(
      /"io.containerd.runc.v2" has no sandboxes: its shim \S*containerd-shim-runc-v2 does not serve containerd/,
    ),
  });
  await nothingLeft();
  expect(pods.told).toEqual([]);
});

test.each([
  ['no record', { sandbox: undefined }, 'invalid_argument', /it has no record/],
  [
    'no runtime',
    { sandbox: { ...pod('p').sandbox, runtime: { name: '' } } },
    'invalid_argument',
    /runtime is required/,
  ],
  ['an id that is none', { id: '../p' }, 'invalid_argument', /sandbox id/],
  [
    'a shim that is not installed',
    pod('p', {}, 'io.containerd.kata.v2'),
    'not_found',
    /shim-kata-v2 is not installed/,
  ],
] as const)('a create with %s is refused', async (_, change, kind, message) => {
  await expect(pods.controller('local').create({ ...pod('p'), ...change })).rejects.toMatchObject({
    kind,
    message: expect.stringMatching(message),
  });
  await nothingLeft();
});

test('a stop that fails is told, one that meets a shim which dies is a success', async () => {
  await pods.run('p', { fail: 'stop' });
  await expect(pods.controller().stop('p')).rejects.toMatchObject({
    message: expect.stringContaining('stop: as'),
  });
  await pods.run('q', { die: 'stop' });
  await pods.controller().stop('q');
});

test('a shutdown that fails changes nothing, one in which the shim dies is a success', async () => {
  await pods.run('p', { fail: 'shutdown' });
  await expect(pods.controller().shutdown('p')).rejects.toMatchObject({
    message: expect.stringContaining('shutdown: as'),
  });
  expect(await pods.controller().status('p')).toMatchObject({ state: 'SANDBOX_READY' });
  await pods.run('q', { die: 'shutdown' });
  await pods.controller().shutdown('q');
  expect(await pods.bundles()).toEqual(['p']);
  const { pid } = await pods.controller().status('p');
  process.kill(pid, 'SIGKILL');
  await eventually(async () => (await pods.bundles()).length === 0);
});

test('however many wait, the shim is asked for the end once', async () => {
  await pods.run('p');
  const controller = pods.controller();
  const waiting = Array.from({ length: 20 }, () => controller.wait('p'));
  expect((await controller.status('p', { verbose: true })).info).toMatchObject({ waits: '1' });
  await controller.stop('p');
  await Promise.all(waiting);
  expect(pods.told).toEqual(['create', 'start', 'exit 7']);
});

test('who gives up a create leaves nothing; who leaves a start has a sandbox that runs', async () => {
  const controller = pods.controller();
  const leave = new AbortController();
  const making = controller.create(pod('p'), { signal: leave.signal });
  leave.abort(new Error('enough'));
  await expect(making).rejects.toThrow('enough');
  await eventually(async () => (await pods.bundles()).length === 0);
  await controller.create(pod('q'));
  const gone = new AbortController();
  const starting = controller.start('q', { signal: gone.signal });
  await Promise.resolve();
  gone.abort(new Error('enough'));
  await starting.catch(() => {});
  await eventually(async () => (await controller.status('q')).state === 'SANDBOX_READY');
});
