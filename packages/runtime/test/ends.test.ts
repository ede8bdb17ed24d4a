import { expect, test } from '@jest/globals';
import { Fault, jsonBytes, type Scope, TYPE_URL } from '@stowage/core';
import { memoryTransport } from '@stowage/rpc/transport';
import type { TaskService } from '../src/index.ts';
import { remoteTaskService } from '../src/remote.ts';
import { taskRoutes } from '../src/service.ts';

type Call = [method: string, scope: Scope, request: unknown];
const scope = { namespace: 'ns' };
const exitedAt = new Date('2026-01-02T03:04:05.678Z');
const stats = { typeUrl: 'io.containerd.cgroups.v1.Metrics', value: new Uint8Array([1, 2]) };
const stdio = { stdin: '/in', stdout: '/out', stderr: '', terminal: true };

const answers = {
  create: { pid: 7 },
  start: { pid: 8 },
  delete: { pid: 7, exitStatus: 3, exitedAt },
  state: {
    id: 'c',
    execId: 'e',
    bundle: '/b',
    pid: 7,
    status: 'stopped',
    exitStatus: 137,
    exitedAt,
    ...stdio,
  },
  pids: [{ pid: 7 }, { pid: 9, info: stats }],
  wait: { exitStatus: 137, exitedAt },
  stats,
  connect: { shimPid: 1, taskPid: 7, version: 'v' },
} as const;

/** Both ends over real codecs, with a recorder behind them. */
function ends(): { calls: Call[]; remote: TaskService } {
  const calls: Call[] = [];
  const recorder = (s: Scope) =>
    new Proxy({} as TaskService, {
      get: (_, method: string) => async (request: unknown) => {
        calls.push([method, s, request]);
        return answers[method as keyof typeof answers];
      },
    });
  return { calls, remote: remoteTaskService(memoryTransport(taskRoutes(recorder)), scope) };
}

const process = { id: 'c', execId: 'e' };
const resources = jsonBytes(TYPE_URL.linuxResources, { pids: { limit: 3 } });
const mount = { type: 'bind', source: '/s', target: '', options: ['rbind', 'ro'] };

test.each<[keyof TaskService, unknown, unknown?]>([
  ['create', { id: 'c', bundle: '/b', rootfs: [mount], options: undefined, ...stdio }],
  ['create', { id: 'c', bundle: '/b', rootfs: [], options: stats, checkpoint: '/cp', ...stdio }],
  ['start', { id: 'c' }],
  ['start', process],
  ['delete', process],
  ['state', process],
  ['pids', 'c'],
  ['pause', 'c'],
  ['resume', 'c'],
  ['checkpoint', { id: 'c', path: '/p', options: stats }],
  ['kill', { ...process, signal: 9, all: false }],
  ['kill', { id: 'c', signal: 15, all: true }],
  ['exec', { ...process, spec: jsonBytes(TYPE_URL.process, { args: ['x'] }), ...stdio }],
  ['resizePty', { ...process, width: 80, height: 25 }],
  ['closeIO', process],
  ['update', { id: 'c', resources, annotations: { a: 'b' } }],
  ['wait', process],
  ['stats', 'c'],
  ['connect', 'c'],
  ['shutdown', { id: 'c', now: true }],
])('%s arrives as it was sent, and its answer as it was given: %j', async (method, request) => {
  const { calls, remote } = ends();
  const call = remote[method] as (request: unknown) => Promise<unknown>;
  const answer = await call(request);
  expect(calls).toEqual([[method, scope, request]]);
  expect(answer).toEqual(answers[method as keyof typeof answers]);
});

test.each(['unknown', 'created', 'running', 'stopped', 'paused', 'pausing'] as const)(
  'status %s survives the wire',
  async (status) => {
    const service = { state: async () => ({ ...answers.state, status }) } as unknown as TaskService;
    const remote = remoteTaskService(memoryTransport(taskRoutes(() => service)), scope);
    expect(await remote.state({ id: 'c' })).toMatchObject({ status });
  },
);

test('a fault keeps its kind and its text', async () => {
  const service = {
    kill: async () => {
      throw new Fault('not_found', 'kill c: the process has finished');
    },
  } as unknown as TaskService;
  const remote = remoteTaskService(memoryTransport(taskRoutes(() => service)), scope);
  await expect(remote.kill({ id: 'c', signal: 9 })).rejects.toMatchObject({
    kind: 'not_found',
    message: 'kill c: the process has finished',
  });
});

test('a wait that is given up ends on both sides, with the reason of who gave up', async () => {
  const [entered, given] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const service = {
    wait: (_: unknown, { signal }: { signal: AbortSignal }) =>
      new Promise((_, reject) => {
        entered.resolve();
        signal.addEventListener('abort', () => {
          given.resolve();
          reject(signal.reason);
        });
      }),
  } as unknown as TaskService;
  const remote = remoteTaskService(memoryTransport(taskRoutes(() => service)), scope);
  const stop = new AbortController();
  const waiting = remote.wait({ id: 'c' }, { signal: stop.signal });
  await entered.promise;
  const reason = new Error('enough');
  stop.abort(reason);
  await expect(waiting).rejects.toBe(reason);
  await given.promise;
});
