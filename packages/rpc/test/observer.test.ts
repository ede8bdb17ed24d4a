import { AsyncLocalStorage } from 'node:async_hooks';
import { request } from 'node:http';
import { Code } from '@connectrpc/connect';
import { afterEach, expect, test } from '@jest/globals';
import { Health, HealthCheckResponse_ServingStatus as Status } from '@stowage/api/health/v1';
import { Version } from '@stowage/api/version/v1';
import { Fault } from '@stowage/core';
import { rpcClient, serviceRoutes } from '../src/index.ts';
import { type CallObserver, observers } from '../src/server.ts';
import { serve } from './fixture.ts';

const active = new AsyncLocalStorage<string>();
let ended: string[] = [];
let begun = 0;
let heard: Promise<void>;
let hear: () => void;
const renew = () => {
  ({ promise: heard, resolve: hear } = Promise.withResolvers<void>());
};
renew();
afterEach(() => {
  ended = [];
  begun = 0;
  renew();
});

const observer: CallObserver = {
  begin(call) {
    begun += 1;
    const { method } = call;
    const mark = call.requestField('x-mark') ?? 'none';
    return {
      run: (work) => active.run(mark, work),
      end(code) {
        ended.push(`${method.name} ${code === undefined ? 'OK' : Code[code]} ${mark}`);
        hear();
      },
    };
  },
};

const seen: Array<string | undefined> = [];
const routes = [
  serviceRoutes(Version, {
    async version() {
      await new Promise((settle) => setImmediate(settle));
      seen.push(active.getStore());
      return { version: '1', revision: 'r' };
    },
  }),
  serviceRoutes(Health, {
    check({ service }) {
      if (service === 'bug') throw new Error('a bug');
      throw new Fault('not_found', `unknown service ${service}`);
    },
    async *watch({ service }, { signal }) {
      seen.push(active.getStore());
      yield { status: Status.SERVING };
      await new Promise((settle) => setImmediate(settle));
      seen.push(active.getStore());
      if (service === 'stay') await new Promise((settle) => signal.addEventListener('abort', settle));
      if (service === 'fail') throw new Fault('conflict', 'no');
    },
  }),
];

const json = (path: string, service: string, socketPath: string, type = 'application/json') =>
  new Promise<number>((settle, fail) => {
    const headers = { 'content-type': type, 'x-mark': 'json' };
    const req = request({ socketPath, path, method: 'POST', headers }, (res) => {
      res.resume();
      res.on('end', () => settle(res.statusCode ?? 0));
    });
    req.on('error', fail);
    req.end(JSON.stringify({ service }));
  });

test('a call that is answered directly, with its code and its context', async () => {
  await using s = await serve(routes, { observer });
  const headers = { 'x-mark': 'a' };
  seen.length = 0;
  await rpcClient(Version, s.transport).version({}, { headers });
  expect(seen).toEqual(['a']);
  await expect(rpcClient(Health, s.transport).check({ service: 'x' })).rejects.toMatchObject({
    kind: 'not_found',
  });
  await expect(rpcClient(Health, s.transport).check({ service: 'bug' })).rejects.toMatchObject({
    kind: 'internal',
  });
  expect(ended).toEqual(['Version OK a', 'Check NotFound none', 'Check Internal none']);
  expect(begun).toBe(3);
});

test('a call that goes through Connect', async () => {
  await using s = await serve(routes, { observer });
  seen.length = 0;
  const path = s.server.address.path;
  expect(await json('/containerd.services.version.v1.Version/Version', '', path)).toBe(200);
  expect(await json('/grpc.health.v1.Health/Check', 'x', path)).toBe(404);
  expect(await json('/grpc.health.v1.Health/Nothing', 'x', path)).toBe(501);
  expect(seen).toEqual(['json']);
  expect(ended).toEqual(['Version OK json', 'Check NotFound json']);
});

test('a stream ends when its last message is sent, fails, or is left', async () => {
  await using s = await serve(routes, { observer });
  const health = rpcClient(Health, s.transport);
  const headers = { 'x-mark': 's' };
  seen.length = 0;
  await Array.fromAsync(health.watch({ service: '' }, { headers }));
  expect(seen).toEqual(['s', 's']);
  await expect(Array.fromAsync(health.watch({ service: 'fail' }, { headers }))).rejects.toMatchObject({
    kind: 'conflict',
  });
  expect(ended).toEqual(['Watch OK s', 'Watch FailedPrecondition s']);
  renew();
  for await (const _ of health.watch({ service: 'stay' }, { headers })) break;
  await heard;
  expect(ended.at(-1)).toBe('Watch Canceled s');
});

test('several observers are all told, each with its own context', async () => {
  const other = new AsyncLocalStorage<number>();
  let inner: unknown[] = [];
  const codes: unknown[] = [];
  const second: CallObserver = {
    begin: () => ({ run: (work) => other.run(7, work), end: (code) => void codes.push(code) }),
  };
  const plain: CallObserver = { begin: () => ({ end: (code) => void codes.push(code) }) };
  const version = serviceRoutes(Version, {
    version() {
      inner = [active.getStore(), other.getStore()];
      return { version: '1', revision: 'r' };
    },
  });
  await using s = await serve([version], {
    observer: observers([observer, undefined, plain, second]),
  });
  await rpcClient(Version, s.transport).version({}, { headers: { 'x-mark': 'b' } });
  expect(inner).toEqual(['b', 7]);
  expect(codes).toEqual([undefined, undefined]);
  expect(ended).toEqual(['Version OK b']);
});

test('a server tells how busy it is', async () => {
  await using s = await serve(routes);
  expect(s.server.load).toEqual({ connections: 0, calls: 0 });
  const left = new AbortController();
  const health = rpcClient(Health, s.transport);
  const watching = health.watch({ service: 'stay' }, { signal: left.signal })[Symbol.asyncIterator]();
  await watching.next();
  expect(s.server.load).toEqual({ connections: 1, calls: 1 });
  left.abort();
  await expect(watching.next()).rejects.toThrow();
});
