import { execFile } from 'node:child_process';
import { chmod, readdir, stat, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { expect, test } from '@jest/globals';
import { Events } from '@stowage/api/events/v1';
import { Health } from '@stowage/api/health/v1';
import { Version } from '@stowage/api/version/v1';
import { Fault } from '@stowage/core';
import { healthRoutes } from '../src/health.ts';
import { rpcClient, serviceRoutes } from '../src/index.ts';
import { listen } from '../src/server.ts';
import { memoryTransport, unixTransport } from '../src/transport.ts';
import { serve, tempDir } from './fixture.ts';

const version = serviceRoutes(Version, { version: () => ({ version: '1', revision: 'r' }) });

test('a call reaches its method, over a socket and in memory', async () => {
  await using s = await serve([version]);
  for (const transport of [s.transport, memoryTransport([version])]) {
    expect(await rpcClient(Version, transport).version({})).toMatchObject({ version: '1', revision: 'r' });
  }
});

test('a method that is left out answers unimplemented with its own name', async () => {
  await using s = await serve([serviceRoutes(Version, {})]);
  for (const transport of [s.transport, memoryTransport(serviceRoutes(Version, {}))]) {
    await expect(rpcClient(Version, transport).version({})).rejects.toMatchObject({
      kind: 'unimplemented',
      message: 'containerd.services.version.v1.Version.Version is not implemented',
    });
  }
});

test('a service that is not there answers unimplemented with its own name', async () => {
  await using s = await serve([version]);
  await expect(rpcClient(Health, s.transport).check({})).rejects.toMatchObject({
    kind: 'unimplemented',
    message: 'unknown service grpc.health.v1.Health',
  });
});

test('the text of an unexpected error stays here, in the log', async () => {
  const impl = {
    version() {
      throw new Error('secret');
    },
  };
  await using s = await serve([serviceRoutes(Version, impl)]);
  await expect(rpcClient(Version, s.transport).version({})).rejects.toMatchObject({
    kind: 'internal',
    message: 'internal error',
  });
  expect(s.lines.filter((l) => l.level === 'error')).toEqual([
    expect.objectContaining({
      fields: expect.objectContaining({ method: 'containerd.services.version.v1.Version/Version' }),
    }),
  ]);
});

test('health tells of itself and of the services beside it', async () => {
  await using s = await serve([healthRoutes, version]);
  const health = rpcClient(Health, s.transport);
  expect((await health.check({})).status).toBe(1);
  expect((await health.check({ service: Version.typeName })).status).toBe(1);
  await expect(health.check({ service: 'x' })).rejects.toMatchObject({ kind: 'not_found' });
  for await (const { status } of health.watch({ service: 'x' })) {
    expect(status).toBe(3);
    break;
  }
});

test('a subscriber has its headers before there is a message, and once the method has begun', async () => {
  let begun = false;
  const routes = serviceRoutes(Events, {
    async *subscribe(_, { signal }) {
      begun = true;
      await delay(30_000, undefined, { signal });
      yield {};
    },
  });
  await using s = await serve([routes]);
  const stop = new AbortController();
  const headers = Promise.withResolvers<boolean>();
  const options = { signal: stop.signal, onHeader: () => headers.resolve(begun) };
  const stream = rpcClient(Events, s.transport).subscribe({}, options)[Symbol.asyncIterator]();
  const first = stream.next();
  expect(await headers.promise).toBe(true);
  const reason = new Fault('aborted', 'enough');
  stop.abort(reason);
  await expect(first).rejects.toBe(reason);
});

test('leaving a stream ends the method, over a socket and in memory', async () => {
  let ended = Promise.withResolvers<void>();
  const routes = serviceRoutes(Events, {
    async *subscribe(_, { signal }) {
      signal.addEventListener('abort', () => ended.resolve());
      for (;;) {
        yield {};
        await delay(1);
      }
    },
  });
  await using s = await serve([routes]);
  for (const transport of [s.transport, memoryTransport(routes)]) {
    ended = Promise.withResolvers();
    for await (const _ of rpcClient(Events, transport).subscribe({})) break;
    await ended.promise;
  }
});

test('giving up a call fails with the reason, and tells the method', async () => {
  let ended = Promise.withResolvers<void>();
  let begun = Promise.withResolvers<void>();
  const routes = serviceRoutes(Version, {
    version: (_, { signal }) =>
      new Promise((_settle, fail) => {
        begun.resolve();
        signal.addEventListener('abort', () => {
          ended.resolve();
          fail(signal.reason);
        });
      }),
  });
  await using s = await serve([routes]);
  for (const transport of [s.transport, memoryTransport(routes)]) {
    ended = Promise.withResolvers();
    begun = Promise.withResolvers();
    const stop = new AbortController();
    const call = rpcClient(Version, transport).version({}, { signal: stop.signal });
    call.catch(() => {});
    await begun.promise;
    const reason = new Fault('aborted', 'enough');
    stop.abort(reason);
    await expect(call).rejects.toBe(reason);
    await ended.promise;
  }
});

test('a deadline ends the method', async () => {
  const routes = serviceRoutes(Version, {
    version: (_, { signal }) =>
      delay(30_000, { version: '' }, { signal }).catch(() => Promise.reject(signal.reason)),
  });
  await using s = await serve([routes]);
  for (const transport of [s.transport, memoryTransport(routes)]) {
    const call = rpcClient(Version, transport).version({}, { timeoutMs: 50 });
    await expect(call).rejects.toMatchObject({ kind: 'deadline_exceeded' });
  }
});

test('the socket is private at every moment, under any umask', async () => {
  await using dir = await tempDir();
  const old = process.umask(0);
  try {
    const path = join(dir.path, 'deep', 's.sock');
    await using server = await listen({ address: { path }, routes: [] });
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect((await stat(join(dir.path, 'deep'))).mode & 0o777).toBe(0o711);
    expect(await readdir(join(dir.path, 'deep'))).toEqual(['s.sock']);
    await server.close();
    expect(await readdir(join(dir.path, 'deep'))).toEqual([]);
  } finally {
    process.umask(old);
  }
});

test('another user can neither connect nor look', async () => {
  const old = process.umask(0);
  try {
    await using s = await serve([version]);
    const dial = ['-s', '--unix-socket', s.path, 'http://x/'];
    for (const mode of [0o755, 0o777]) {
      await chmod(s.dir, mode);
      const asNobody = promisify(execFile)('curl', dial, { uid: 1000, gid: 1000 });
      await expect(asNobody).rejects.toMatchObject({ code: 7 });
    }
    expect((await promisify(execFile)('curl', dial)).stdout).toContain('unimplemented');
  } finally {
    process.umask(old);
  }
});

test('mode and owner are as asked', async () => {
  await using dir = await tempDir();
  const path = join(dir.path, 's');
  await using _server = await listen({ address: { path, mode: 0o660, uid: 0, gid: 1234 }, routes: [] });
  const found = await stat(path);
  expect([found.mode & 0o777, found.uid, found.gid]).toEqual([0o660, 0, 1234]);
});

test('a socket that somebody answers on is refused, a dead one replaced, anything else left alone', async () => {
  await using s = await serve([version]);
  const again = listen({ address: { path: s.path }, routes: [version] });
  await expect(again).rejects.toMatchObject({
    kind: 'failed_precondition',
    message: expect.stringContaining(s.path),
  });

  const dead = join(s.dir, 'dead');
  const gone = createServer().listen(join(s.dir, 'x'));
  await new Promise((settle) => gone.once('listening', settle));
  await import('node:fs/promises').then((fs) => fs.link(join(s.dir, 'x'), dead));
  await new Promise((settle) => gone.close(settle));
  expect((await stat(dead)).isSocket()).toBe(true);
  await using _second = await listen({ address: { path: dead }, routes: [version] });
  await using transport = unixTransport(dead);
  expect((await rpcClient(Version, transport).version({})).version).toBe('1');

  const file = join(s.dir, 'file');
  await writeFile(file, '');
  await symlink(s.path, join(s.dir, 'link'));
  for (const path of [file, join(s.dir, 'link'), s.dir]) {
    await expect(listen({ address: { path }, routes: [] })).rejects.toMatchObject({
      kind: 'failed_precondition',
    });
  }
  await expect(listen({ address: { path: '/x'.repeat(60) }, routes: [] })).rejects.toMatchObject({
    kind: 'invalid_argument',
  });
});

test('closing ends open streams, tells them why, and takes no second', async () => {
  const routes = serviceRoutes(Events, {
    async *subscribe(_, { signal }) {
      yield {};
      await delay(30_000, undefined, { signal }).catch(() => {
        throw signal.reason;
      });
    },
  });
  await using s = await serve([routes, version]);
  const stream = rpcClient(Events, s.transport).subscribe({})[Symbol.asyncIterator]();
  await stream.next();
  const next = stream.next();
  next.catch(() => {});
  const start = Date.now();
  await s.server.close();
  expect(Date.now() - start).toBeLessThan(900);
  await expect(next).rejects.toMatchObject({ kind: 'unavailable', message: 'the server is shutting down' });
  expect(await readdir(s.dir)).toEqual([]);
  await expect(rpcClient(Version, s.transport).version({})).rejects.toMatchObject({
    kind: 'unavailable',
    message: expect.stringContaining(s.path),
  });
});

test('a method that ignores its end does not hold up closing', async () => {
  const routes = serviceRoutes(Version, { version: () => new Promise(() => {}) });
  await using s = await serve([routes]);
  const call = rpcClient(Version, s.transport).version({});
  call.catch(() => {});
  await delay(50);
  const start = Date.now();
  await s.server.close({ graceMs: 100 });
  expect(Date.now() - start).toBeLessThan(900);
  await expect(call).rejects.toMatchObject({ name: 'Fault' });
});

test('a transport finds a server that was started again', async () => {
  await using s = await serve([version]);
  await rpcClient(Version, s.transport).version({});
  await s.server.close();
  await using _server = await listen({ address: { path: s.path }, routes: [version] });
  expect((await rpcClient(Version, s.transport).version({})).version).toBe('1');
});

test('users that may not speak are refused', async () => {
  const asked: number[] = [];
  const allow = (uid: number) => asked.push(uid) < 0;
  await using s = await serve([version], { peer: () => ({ uid: 7 }), allow });
  await expect(rpcClient(Version, s.transport).version({})).rejects.toMatchObject({ name: 'Fault' });
  expect(asked).toEqual([7]);
  expect(s.lines).toContainEqual(expect.objectContaining({ level: 'warn', fields: { uid: 7 } }));
});
