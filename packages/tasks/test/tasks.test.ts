import { access, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { jsonBytes, TYPE_URL } from '@stowage/core';
import { census } from '../../runtime-runc/test/fixtures/workbench.ts';
import { House, REACHES } from './fixtures/house.ts';

const SIGKILL = 9;
const mounted = (house: House, id: string) => access(join(house.bundle(id), 'rootfs', 'bin', 'busybox'));

describe.each(REACHES)('tasks, %s', (reach) => {
  let house: House;
  let before: unknown;
  beforeAll(async () => {
    house = await House.open(reach);
    before = await census(house.bench);
  });
  afterAll(async () => {
    await using ending = house;
    expect(await census(ending.bench)).toEqual(before);
    expect(await readdir(join(ending.bundle('x'), '..'))).toEqual([]);
  });

  test('a task is created, started, waited for and deleted, and leaves no bundle', async () => {
    const { tasks } = house;
    const { pid } = await tasks.create(await house.container('one', ['sh', '-c', 'exit 42']));
    await mounted(house, 'one');
    expect(await tasks.get({ containerId: 'one' })).toMatchObject({
      ...{ containerId: 'one', id: 'one', pid, status: 'created', stdin: '', terminal: false },
    });
    const exit = tasks.wait({ containerId: 'one' });
    expect(await tasks.start({ containerId: 'one' })).toEqual({ pid });
    expect(await exit).toMatchObject({ exitStatus: 42, exitedAt: expect.any(Date) });
    expect(await tasks.wait({ containerId: 'one' })).toEqual(await exit);
    expect(await tasks.delete('one')).toEqual({ id: 'one', pid, ...(await exit) });
    await expect(access(house.bundle('one'))).rejects.toMatchObject({ code: 'ENOENT' });
    for (const gone of [
      () => tasks.get({ containerId: 'one' }),
      () => tasks.wait({ containerId: 'one' }),
      () => tasks.delete('one'),
      () => tasks.kill({ containerId: 'one', signal: SIGKILL }),
      () => tasks.pids('one'),
    ]) {
      await expect(gone()).rejects.toMatchObject({
        kind: 'not_found',
        message: expect.stringContaining('one'),
      });
    }
  });

  test('a container without a task, without a spec, and of an unknown runtime', async () => {
    const { tasks, bench } = house;
    const request = await house.container('plain', ['true']);
    await expect(tasks.get({ containerId: 'plain' })).rejects.toMatchObject({ kind: 'not_found' });
    await expect(tasks.create({ ...request, containerId: 'nobody' })).rejects.toMatchObject({
      kind: 'not_found',
    });
    house.containers.add(bench.namespace, 'bare', undefined);
    await expect(tasks.create({ ...request, containerId: 'bare' })).rejects.toMatchObject({
      kind: 'invalid_argument',
    });
    house.containers.add(bench.namespace, 'odd', {}, 'io.odd.v1');
    await expect(tasks.create({ ...request, containerId: 'odd' })).rejects.toMatchObject({
      kind: 'invalid_argument',
      message: expect.stringContaining('io.odd.v1'),
    });
  });

  test('a running task is listed, measured, paused, resumed, and not deleted', async () => {
    const { tasks } = house;
    const { pid } = await tasks.create(await house.container('run', ['sleep', '100']));
    await tasks.start({ containerId: 'run' });
    expect(await Array.fromAsync(tasks.list())).toMatchObject([
      { containerId: 'run', pid, status: 'running' },
    ]);
    expect(await tasks.pids('run')).toMatchObject([{ pid }]);
    const metrics = await Array.fromAsync(tasks.metrics(['id==run']));
    expect(metrics).toMatchObject([{ id: 'run', data: { typeUrl: expect.stringMatching(/cgroups\.v\d/) } }]);
    expect(await Array.fromAsync(tasks.metrics(['id==other']))).toEqual([]);
    await tasks.pause('run');
    expect(await tasks.get({ containerId: 'run' })).toMatchObject({ status: 'paused' });
    await tasks.resume('run');
    await expect(tasks.delete('run')).rejects.toMatchObject({ kind: 'failed_precondition' });
    await mounted(house, 'run');
    await tasks.kill({ containerId: 'run', signal: SIGKILL });
    expect(await tasks.wait({ containerId: 'run' })).toMatchObject({ exitStatus: 137 });
    await expect(tasks.kill({ containerId: 'run', signal: SIGKILL })).rejects.toMatchObject({
      kind: 'not_found',
    });
    await tasks.delete('run');
  });

  test('a process is added, and has its own exit', async () => {
    const { tasks } = house;
    const process = { args: ['sh', '-c', 'exit 7'], cwd: '/', user: { uid: 0, gid: 0 }, env: ['PATH=/bin'] };
    const exec = { containerId: 'host', execId: 'two', stdin: '', stdout: '', stderr: '', terminal: false };
    await tasks.create(await house.container('host', ['sleep', '100']));
    await tasks.start({ containerId: 'host' });
    await expect(tasks.exec({ ...exec, spec: undefined })).rejects.toMatchObject({
      kind: 'invalid_argument',
    });
    await expect(
      tasks.exec({ ...exec, execId: '../x', spec: jsonBytes(TYPE_URL.process, process) }),
    ).rejects.toMatchObject({ kind: 'invalid_argument' });
    await tasks.exec({ ...exec, spec: jsonBytes(TYPE_URL.process, process) });
    const which = { containerId: 'host', execId: 'two' };
    await expect(tasks.kill({ ...which, signal: SIGKILL })).rejects.toMatchObject({
      kind: 'failed_precondition',
    });
    await tasks.start(which);
    expect(await tasks.wait(which)).toMatchObject({ exitStatus: 7 });
    expect(await tasks.get(which)).toMatchObject({ containerId: 'host', id: 'two', status: 'stopped' });
    expect(await tasks.deleteProcess(which)).toMatchObject({ id: 'two', exitStatus: 7 });
    await tasks.kill({ containerId: 'host', signal: SIGKILL });
    await tasks.wait({ containerId: 'host' });
    await tasks.delete('host');
  });

  test('of two who create the same task, one wins, and the other one leaves its bundle alone', async () => {
    const { tasks } = house;
    const request = await house.container('race', ['sleep', '100']);
    const results = await Promise.allSettled([tasks.create(request), tasks.create(request)]);
    expect(results.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    const loser = results.find((r) => r.status === 'rejected');
    expect(loser?.reason).toMatchObject({ kind: 'already_exists' });
    await mounted(house, 'race');
    await tasks.start({ containerId: 'race' });
    await tasks.kill({ containerId: 'race', signal: SIGKILL });
    await tasks.wait({ containerId: 'race' });
    await tasks.delete('race');
  });

  test('a create that its caller gave up leaves neither task nor bundle, and can be tried again', async () => {
    const { tasks } = house;
    const request = await house.container('left', ['sleep', '100']);
    for (const afterMs of [0, 5, 20, 60]) {
      const signal = AbortSignal.timeout(afterMs);
      await tasks.create(request, { signal }).then(
        () => tasks.delete('left'),
        (e: unknown) => expect(e).toMatchObject({ name: 'TimeoutError' }),
      );
    }
    // Waits its turn behind what is being undone.
    await tasks.create(request);
    expect(await Array.fromAsync(tasks.list())).toMatchObject([{ containerId: 'left', status: 'created' }]);
    await tasks.delete('left');
  });

  test('what its container cannot run leaves no bundle', async () => {
    const { tasks } = house;
    const request = await house.container('bad', ['/no/such/program']);
    await expect(tasks.create(request)).rejects.toThrow(/no such file/);
    await expect(access(house.bundle('bad'))).rejects.toMatchObject({ code: 'ENOENT' });
    await expect(tasks.get({ containerId: 'bad' })).rejects.toMatchObject({ kind: 'not_found' });
  });

  test('a wait ends when its caller leaves', async () => {
    const { tasks } = house;
    await tasks.create(await house.container('idle', ['sleep', '100']));
    const waiting = tasks.wait({ containerId: 'idle' }, { signal: AbortSignal.timeout(20) });
    await expect(waiting).rejects.toMatchObject({ name: 'TimeoutError' });
    await tasks.delete('idle');
  });
});

test('without a namespace nobody has tasks', async () => {
  await using house = await House.open('in process');
  expect(() => house.router.scope({ namespace: '' })).toThrow(
    expect.objectContaining({
      kind: 'failed_precondition',
      message: expect.stringContaining('namespace is required'),
    }),
  );
});
