import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { OptionsSchema } from '@stowage/api/runc/v1';
import { packMessage } from '@stowage/rpc';
import { memoryTransport } from '@stowage/rpc/transport';
import { remoteTasks } from '../src/remote.ts';
import { TaskRouter } from '../src/router.ts';
import { taskRoutes } from '../src/service.ts';
import { Containers } from './fixtures/house.ts';
import { MemoryRuntime } from './fixtures/memory-runtime.ts';

const ADDRESS = 'ttrpc+unix:///run/pod.sock';
let state: string;
let plain: MemoryRuntime;
let joining: MemoryRuntime;
let router: TaskRouter;

beforeEach(async () => {
  state = await mkdtemp(join(tmpdir(), 'stowage-sandbox-'));
  plain = new MemoryRuntime('plain');
  joining = new MemoryRuntime('joining');
  const containers = new Containers();
  containers.add('ns', 'member', {}, 'plain', 'pod');
  containers.add('ns', 'single', {}, 'plain');
  containers.add('ns', 'pod', {}, 'plain');
  router = new TaskRouter({ state, containers: containers.scope, runtimes: [plain, joining] });
});
afterEach(async () => {
  await router[Symbol.asyncDispose]();
  await rm(state, { recursive: true });
});

const tasks = () => remoteTasks(memoryTransport([taskRoutes(router.scope)]), { namespace: 'ns' });
const request = (containerId: string) => ({
  ...{ containerId, rootfs: [], stdin: '', stdout: '', stderr: '', terminal: false },
});

test('a task joins the sandbox of its container at the address of the request, whoever serves its runtime', async () => {
  joining.sandboxes.add(ADDRESS);
  await tasks().create({ ...request('member'), taskApi: { address: ADDRESS, version: 3 } });
  expect(plain.made).toBeUndefined();
  expect(joining.made).toMatchObject({ id: 'member', sandbox: { id: 'pod', address: ADDRESS, version: 3 } });
  await tasks().delete('member');
  expect(joining.states.size).toBe(0);
});

test("the address may be in runc's options, as containerd's client writes it", async () => {
  joining.sandboxes.add(ADDRESS);
  const options = packMessage(OptionsSchema, { taskApiAddress: ADDRESS, taskApiVersion: 2 });
  await tasks().create({ ...request('member'), options });
  expect(joining.made?.sandbox).toEqual({ id: 'pod', address: ADDRESS, version: 2 });
});

test('an address alone will do', async () => {
  joining.sandboxes.add(ADDRESS);
  await tasks().create({ ...request('single'), taskApi: { address: ADDRESS, version: 3 } });
  expect(joining.made?.sandbox).toEqual({ id: '', address: ADDRESS, version: 3 });
});

test('without an address, the runtime that knows the sandbox is asked', async () => {
  joining.sandboxes.add('pod');
  await tasks().create(request('member'));
  expect(joining.made?.sandbox).toEqual({ id: 'pod', address: '', version: 0 });
});

test('a sandbox that is a task is nothing to join: its members are tasks like others', async () => {
  await tasks().create(request('pod'));
  await tasks().create(request('member'));
  expect(plain.made).toMatchObject({ id: 'member' });
  expect(plain.made?.sandbox).toBeUndefined();
});

test('a task of a sandbox that does not run, or that nobody joins, is refused, and leaves nothing', async () => {
  await expect(tasks().create(request('member'))).rejects.toMatchObject({
    kind: 'not_found',
    message: 'create task member: its sandbox "pod" is not running',
  });
  const taskApi = { address: 'grpc+vsock://3:1', version: 3 };
  await expect(tasks().create({ ...request('member'), taskApi })).rejects.toMatchObject({
    kind: 'unimplemented',
    message: expect.stringContaining('"grpc+vsock://3:1"'),
  });
  expect(await readdir(state)).toEqual([]);
});

test('options that are none are refused', async () => {
  const options = { typeUrl: OptionsSchema.typeName, value: new Uint8Array([255]) };
  await expect(tasks().create({ ...request('member'), options })).rejects.toMatchObject({
    kind: 'invalid_argument',
  });
});
