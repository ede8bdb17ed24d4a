import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { SandboxCreateSchema, SandboxExitSchema, SandboxStartSchema } from '@stowage/api/events';
import { unpackMessage } from '@stowage/rpc';
import { unixTransport } from '@stowage/rpc/transport';
import { remoteSandboxController } from '@stowage/sandboxes/controller-remote';
import { RoutedControllers } from '@stowage/sandboxes/routed';
import { serveSandboxController } from '@stowage/sandboxes/serve';
import { house, newSandbox, request } from './fixtures/forms.ts';
import { MemorySandboxer } from './fixtures/memory-sandboxer.ts';

const settled = () => new Promise((resolve) => setImmediate(resolve));

test('a request without a sandboxer is refused, one with an unknown one names those there are', async () => {
  const { routed } = await house();
  expect(() => routed.controller({ namespace: 'n' }, '')).toThrow(/sandboxer is required/);
  expect(() => routed.controller({ namespace: 'n' }, 'other')).toThrow(
    expect.objectContaining({ kind: 'not_found', message: expect.stringContaining('there are "memory"') }),
  );
  expect(() => routed.controller({ namespace: '' }, 'memory')).toThrow(/namespace is required/);
});

test('everybody is told of a sandbox, and of its end once, however many wait', async () => {
  const { routed, told } = await house();
  const controller = routed.controller({ namespace: 'n' }, 'memory');
  await controller.create(request('pod'));
  await controller.start('pod');
  const waiting = [controller.wait('pod'), controller.wait('pod')];
  await controller.stop('pod');
  await Promise.all(waiting);
  await controller.wait('pod');
  await controller.shutdown('pod');
  await settled();
  expect(told.map(({ namespace, topic }) => [namespace, topic])).toEqual([
    ['n', '/sandboxes/create'],
    ['n', '/sandboxes/start'],
    ['n', '/sandboxes/exit'],
  ]);
  const [created, started, exited] = told.map(({ event }) => event);
  expect(created && unpackMessage(SandboxCreateSchema, created)).toMatchObject({ sandboxId: 'pod' });
  expect(started && unpackMessage(SandboxStartSchema, started)).toMatchObject({ sandboxId: 'pod' });
  expect(exited && unpackMessage(SandboxExitSchema, exited)).toMatchObject({
    sandboxId: 'pod',
    exitStatus: 137,
  });
});

test('the end of each sandbox of an id is told, and of one for which nobody waits', async () => {
  const { routed, told } = await house();
  const controller = routed.controller({ namespace: 'n' }, 'memory');
  for (let i = 0; i < 2; i += 1) {
    await controller.create(request('pod'));
    await controller.start('pod');
    await controller.stop('pod');
    await controller.shutdown('pod');
  }
  await settled();
  expect(told.filter(({ topic }) => topic === '/sandboxes/exit')).toHaveLength(2);
});

test('the end of a sandbox that an earlier process started is told', async () => {
  const memory = new MemorySandboxer();
  memory.left = [{ namespace: 'n', id: 'pod' }];
  await memory.controller({ namespace: 'n' }).create(request('pod'));
  const told: string[] = [];
  using _routed = await RoutedControllers.open({
    sandboxers: new Map([['memory', memory]]),
    store: () => ({ get: () => Promise.reject(new Error('not asked')) }),
    events: { publish: async (_namespace, topic) => void told.push(topic) },
  });
  await memory.controller({ namespace: 'n' }).stop('pod');
  await settled();
  expect(told).toEqual(['/sandboxes/exit']);
});

test('a record that a request comes without is looked up, and one that nobody has is left out', async () => {
  const { routed, records, memory } = await house();
  const record = { ...newSandbox('pod'), createdAt: new Date(), updatedAt: new Date() };
  records.set('pod', record);
  const controller = routed.controller({ namespace: 'n' }, 'memory');
  await controller.create({ ...request('pod'), sandbox: undefined });
  expect(memory.held.get('n/pod')?.request.sandbox).toEqual(record);
  await controller.create({ ...request('other'), sandbox: undefined });
  expect(memory.held.get('n/other')?.request.sandbox).toBeUndefined();
});

test('that nobody can be told is no failure of what happened', async () => {
  const { routed } = await house({ broken: true });
  const controller = routed.controller({ namespace: 'n' }, 'memory');
  await controller.create(request('pod'));
  expect(await controller.start('pod')).toMatchObject({ pid: 42 });
});

test('a controller is served on a socket to who calls it by its name', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'sandboxer-'));
  try {
    const memory = new MemorySandboxer();
    const socket = join(directory, 'sock');
    await using _server = await serveSandboxController(memory.controller, { socket, name: 'vm' });
    await using transport = unixTransport(socket);
    const scope = { namespace: 'k8s.io' };
    const controller = remoteSandboxController(transport, scope, 'vm');
    await controller.create(request('pod'));
    expect(await controller.start('pod')).toMatchObject({ id: 'pod', version: 3 });
    expect([...memory.held.keys()]).toEqual(['k8s.io/pod']);
    const wrong = remoteSandboxController(transport, scope, 'other');
    await expect(wrong.start('pod')).rejects.toMatchObject({
      kind: 'not_found',
      message: expect.stringContaining('this is sandboxer "vm"'),
    });
  } finally {
    await rm(directory, { recursive: true });
  }
});
