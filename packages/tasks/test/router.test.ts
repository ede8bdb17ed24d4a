import { access, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import type { ContainerStore } from '@stowage/containers';
import { Fault, type Logger, type Scoped, type TypedBytes } from '@stowage/core';
import { until } from '@stowage/testing';
import { chosenRuntimes, routerConfig } from '../src/config.ts';
import { TaskRouter } from '../src/router.ts';
import { Containers } from './fixtures/house.ts';
import { MemoryRuntime, never } from './fixtures/memory-runtime.ts';

let state: string;
let one: MemoryRuntime;
let two: MemoryRuntime;
let router: TaskRouter;
let said: string[];
const containers = new Containers();
containers.add('ns', 'c', {}, 'one');

beforeEach(async () => {
  state = await mkdtemp(join(tmpdir(), 'stowage-router-'));
  one = new MemoryRuntime('one');
  two = new MemoryRuntime('two');
  said = [];
  const say = (_: object, message: string) => void said.push(message);
  const log: Logger = { debug() {}, info() {}, warn: say, error: say };
  router = new TaskRouter({ state, containers: containers.scope, runtimes: [one, two], log });
});
afterEach(async () => {
  await router[Symbol.asyncDispose]();
  await rm(state, { recursive: true });
});

const tasks = () => router.scope({ namespace: 'ns' });
const request = { containerId: 'c', rootfs: [], stdin: '', stdout: '', stderr: '', terminal: false };
const bundle = () => join(state, 'ns', 'c');
const isThere = (path: string) =>
  access(path).then(
    () => true,
    () => false,
  );
/** Makes creates hang until they are given up. */
function hangs(runtime: MemoryRuntime) {
  const reached = Promise.withResolvers<void>();
  let count = 0;
  runtime.making = (signal) => {
    count++;
    reached.resolve();
    return never(signal);
  };
  return { reached: reached.promise, asked: () => count };
}
const pending = (promise: Promise<unknown>) => Promise.race([promise, Promise.resolve('pending')]);

test('a task that ended by itself and came back in another runtime is found there', async () => {
  await tasks().create(request);
  await tasks().wait({ containerId: 'c' });
  one.states.clear();
  await expect(tasks().wait({ containerId: 'c' })).rejects.toMatchObject({ kind: 'not_found' });
  await tasks().create({ ...request, runtimePath: 'two' });
  expect(two.states.size).toBe(1);
  expect(await tasks().wait({ containerId: 'c' })).toMatchObject({ exitStatus: 0 });
  await tasks().delete('c');
  expect(two.states.size).toBe(0);
});

test('a task that another runtime has exists already, and its bundle stays', async () => {
  await tasks().create({ ...request, runtimePath: 'two' });
  await expect(tasks().create(request)).rejects.toMatchObject({ kind: 'already_exists' });
  await access(join(bundle(), 'config.json'));
});

test('a name that the config points at a runtime is served by that one', async () => {
  const runtimes = new Map([
    ['a', one],
    ['b', two],
  ]);
  const chosen = chosenRuntimes(routerConfig({ runtimes: { one: 'b' } }), runtimes);
  const other = new TaskRouter({ state, containers: containers.scope, runtimes: [one, two], chosen });
  await other.scope({ namespace: 'ns' }).create(request);
  expect([one.states.size, two.states.size]).toEqual([0, 1]);
  expect(two.made).toMatchObject({ id: 'c', runtime: 'one' });
  await other.scope({ namespace: 'ns' }).delete('c');
  const unknown = routerConfig({ runtimes: { one: 'c' } });
  expect(() => chosenRuntimes(unknown, runtimes)).toThrow(
    /"runtimes": "one": there is no runtime "c"; there are "a", "b"/,
  );
  expect(() => routerConfig({ runtimes: { one: 3 } })).toThrow(
    /"runtimes": "one": expected the id of a plugin/,
  );
  expect(() => routerConfig({ runtimes: ['one'] })).toThrow(/"runtimes": expected a table/);
  expect(() => routerConfig({ runtime: 'one' })).toThrow(/"runtime": unknown key, there is "runtimes"/);
});

test('a runtime that does not answer hides the tasks of no other, and is not taken for one without the task', async () => {
  one.telling = async () => {
    throw new Fault('unavailable', 'nobody home');
  };
  await tasks()
    .create({ ...request, runtimePath: 'two' })
    .catch(() => {});
  expect(two.states.size).toBe(0);
  one.telling = async () => {};
  await tasks().create({ ...request, runtimePath: 'two' });
  one.telling = async () => {
    throw new Fault('unavailable', 'nobody home');
  };
  expect(await tasks().get({ containerId: 'c' })).toMatchObject({ status: 'created' });
  await tasks().delete('c');
  await expect(tasks().get({ containerId: 'c' })).rejects.toMatchObject({ kind: 'unavailable' });
});

test('a runtime that hangs costs a question two seconds, and a list leaves its tasks out', async () => {
  await tasks().create(request);
  one.telling = never;
  const [got, listed] = await Promise.allSettled([
    tasks().get({ containerId: 'c' }),
    Array.fromAsync(tasks().list()),
  ]);
  expect(got).toMatchObject({ reason: { kind: 'deadline_exceeded' } });
  expect(listed).toMatchObject({ value: [] });
});

test('the answer that a caller does not wait for is not waited for', async () => {
  await tasks().create(request);
  one.telling = never;
  const signal = AbortSignal.timeout(10);
  const listing = Array.fromAsync(tasks().list({ signal }));
  await expect(listing).rejects.toMatchObject({ name: 'TimeoutError' });
});

test('whoever creates waits for a create that was given up to be undone', async () => {
  const made = Promise.withResolvers<void>();
  one.making = () => made.promise;
  const giveUp = new AbortController();
  const first = tasks().create(request, { signal: giveUp.signal });
  giveUp.abort(new Fault('canceled', 'not needed'));
  await expect(first).rejects.toMatchObject({ kind: 'canceled' });
  const second = tasks().create(request);
  expect(await pending(second)).toBe('pending');
  await expect(tasks().create(request, { signal: AbortSignal.timeout(10) })).rejects.toMatchObject({
    name: 'TimeoutError',
  });
  made.resolve();
  expect(await second).toEqual({ pid: 1 });
  await access(join(bundle(), 'config.json'));
  expect(said).toEqual([]);
});

test('whoever creates waits for a runtime to undo a create that hung for too long', async () => {
  const { reached } = hangs(one);
  const own = MemoryRuntime.prototype.tasks;
  const asked = Promise.withResolvers<void>();
  const undone = Promise.withResolvers<void>();
  one.tasks = (namespace) => ({
    ...own.call(one, namespace),
    delete: async ({ id }) => {
      asked.resolve();
      await undone.promise;
      throw new Fault('not_found', id);
    },
  });
  const giveUp = new AbortController();
  const first = tasks().create(request, { signal: giveUp.signal });
  await reached;
  giveUp.abort(new Fault('canceled', 'not needed'));
  await expect(first).rejects.toMatchObject({ kind: 'canceled' });
  one.making = async () => {};
  const second = tasks().create(request);
  await asked.promise;
  await access(join(bundle(), 'config.json'));
  expect(await pending(second)).toBe('pending');
  undone.resolve();
  expect(await second).toEqual({ pid: 1 });
  await access(join(bundle(), 'config.json'));
});

test('a delete never takes the bundle of the task that is created behind it', async () => {
  await tasks().create(request);
  const [, created] = await Promise.all([tasks().delete('c'), tasks().create(request)]);
  expect(created).toEqual({ pid: 1 });
  await access(join(bundle(), 'config.json'));
});

test('disposing ends a create that hangs', async () => {
  const { reached } = hangs(one);
  const hanging = tasks().create(request);
  hanging.catch(() => {});
  await reached;
  await router[Symbol.asyncDispose]();
  await expect(hanging).rejects.toMatchObject({ name: 'AbortError' });
});

test('a create that is given up while its bundle is made asks no runtime, and its bundle goes', async () => {
  let disposed: Promise<void> | undefined;
  const disposing: Scoped<ContainerStore> = (scope) => ({
    ...containers.scope(scope),
    async get(id, options) {
      const container = await containers.scope(scope).get(id, options);
      const { typeUrl, value } = container.spec as TypedBytes;
      // Looked at when the bundle is made.
      const spec = {
        typeUrl,
        get value() {
          disposed ??= other[Symbol.asyncDispose]();
          return value;
        },
      };
      return { ...container, spec };
    },
  });
  const other = new TaskRouter({ state, containers: disposing, runtimes: [one] });
  const { asked } = hangs(one);
  const created = other.scope({ namespace: 'ns' }).create(request);
  await expect(created).rejects.toMatchObject({ name: 'AbortError' });
  await disposed;
  expect(asked()).toBe(0);
  await expect(access(bundle())).rejects.toMatchObject({ code: 'ENOENT' });
});

test('a bundle whose rootfs is in use is not replaced, and the message says what to do', async () => {
  await mkdir(join(bundle(), 'rootfs'), { recursive: true });
  await writeFile(join(bundle(), 'rootfs', 'file'), '');
  await expect(tasks().create(request)).rejects.toMatchObject({
    kind: 'failed_precondition',
    message: expect.stringContaining(`umount ${bundle()}/rootfs`),
  });
  await access(join(bundle(), 'rootfs', 'file'));
});

test('a task is deleted even if its bundle can not be removed, which is done as soon as it can', async () => {
  await tasks().create(request);
  const file = join(bundle(), 'rootfs', 'file');
  await writeFile(file, '');
  expect(await tasks().delete('c')).toMatchObject({ id: 'c' });
  expect(said).toEqual(['a bundle stays, and is removed later']);
  await until('another try', async () => said.length > 1);
  await rm(file);
  await until('the bundle to go', async () => !(await isThere(bundle())));
});

test('a bundle that stayed is let be once it is that of another task', async () => {
  await tasks().create(request);
  const file = join(bundle(), 'rootfs', 'file');
  await writeFile(file, '');
  await tasks().delete('c');
  await rm(file);
  await tasks().create(request);
  await new Promise((resolve) => setTimeout(resolve, 1000));
  await access(join(bundle(), 'config.json'));
  expect(said).toHaveLength(1);
});

test.each(['unavailable', 'canceled'] as const)(
  'a create whose runtime dies leaves nothing, even if the task was made: %s',
  async (kind) => {
    one.answering = async () => {
      throw new Fault(kind, 'the connection was lost');
    };
    const own = MemoryRuntime.prototype.tasks;
    let tries = 0;
    one.tasks = (namespace) => {
      const service = own.call(one, namespace);
      const remove = async (...request: Parameters<typeof service.delete>) => {
        if (tries++ === 0) throw new Fault('unavailable', 'there is no other one yet');
        return service.delete(...request);
      };
      return { ...service, delete: remove };
    };
    await expect(tasks().create(request)).rejects.toMatchObject({ kind });
    expect(one.states.size).toBe(0);
    await expect(access(bundle())).rejects.toMatchObject({ code: 'ENOENT' });
  },
);

test('a delete whose first try was cut short after the runtime had done its part removes the bundle', async () => {
  await tasks().create(request);
  one.states.clear();
  await expect(tasks().delete('c')).rejects.toMatchObject({ kind: 'not_found' });
  await expect(access(bundle())).rejects.toMatchObject({ code: 'ENOENT' });
});

test('bundles that an earlier daemon left go at the start, but for those of tasks, and of those nobody tells of', async () => {
  await tasks().create(request);
  for (const id of ['left', 'unsure']) await mkdir(join(state, 'ns', id, 'rootfs'), { recursive: true });
  two.tasks = (namespace) => ({
    ...MemoryRuntime.prototype.tasks.call(two, namespace),
    state: async ({ id }) => {
      throw new Fault(id === 'unsure' ? 'unavailable' : 'not_found', id);
    },
  });
  await router.removeOrphans();
  await expect(access(join(state, 'ns', 'left'))).rejects.toMatchObject({ code: 'ENOENT' });
  await access(join(state, 'ns', 'unsure'));
  await access(join(bundle(), 'config.json'));
});

test('a question about an exec costs two seconds as well, if the runtime hangs', async () => {
  await tasks().create(request);
  let asked = 0;
  one.telling = (signal) => (asked++ === 0 ? Promise.resolve() : never(signal));
  await expect(tasks().get({ containerId: 'c', execId: 'e' })).rejects.toMatchObject({
    kind: 'deadline_exceeded',
  });
});
