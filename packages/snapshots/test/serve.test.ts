import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { lstat, mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { Health } from '@stowage/api/health/v1';
import { Fault, type Logger, silentLogger } from '@stowage/core';
import { rpcClient } from '@stowage/rpc';
import { unixTransport } from '@stowage/rpc/transport';
import { MemorySnapshotter } from '@stowage/snapshots-conformance/memory';
import { remoteSnapshotter } from '../src/remote.ts';
import { serveSnapshotter } from '../src/serve.ts';

let dir: string;
let socket: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'snapshots-serve-'));
  socket = join(dir, 'sock');
});
afterEach(() => rm(dir, { recursive: true }));

test('a socket of mode 0600 answers as the snapshotter does, by the name given and no other', async () => {
  await using server = await serveSnapshotter(new MemorySnapshotter(), { socket, name: 'mine' });
  expect(server.path).toBe(socket);
  expect((await stat(socket)).mode & 0o777).toBe(0o600);
  await using transport = unixTransport(socket);
  const mine = remoteSnapshotter(transport, 'mine');
  await mine.prepare('ns/1/k', '');
  await expect(mine.prepare('ns/1/k', '')).rejects.toMatchObject({ kind: 'already_exists' });
  await expect(remoteSnapshotter(transport, 'other').stat('ns/1/k')).rejects.toMatchObject({
    kind: 'invalid_argument',
    message: expect.stringMatching(/"other".*mine/),
  });
  const health = rpcClient(Health, transport);
  expect(await health.check({ service: 'containerd.services.snapshots.v1.Snapshots' })).toMatchObject({
    status: 1,
  });
});

test('without a name it answers to any', async () => {
  await using _ = await serveSnapshotter(new MemorySnapshotter(), { socket: `unix://${socket}` });
  await using transport = unixTransport(socket);
  await remoteSnapshotter(transport, 'one').prepare('k', '');
  expect(await remoteSnapshotter(transport, 'two').stat('k')).toMatchObject({ kind: 'active' });
});

test('a snapshotter for each namespace is found by the header', async () => {
  const blue = new MemorySnapshotter();
  await blue.prepare('k', '');
  const find = ({ namespace }: { namespace: string }) => {
    if (namespace === 'blue') return blue;
    throw new Fault('unavailable', `nobody serves ${namespace}`);
  };
  await using _ = await serveSnapshotter(find, { socket, name: 'mine' });
  await using transport = unixTransport(socket);
  const as = (namespace: string) => remoteSnapshotter(transport, 'mine', { namespace });
  expect(await as('blue').stat('k')).toMatchObject({ name: 'k' });
  await expect(as('green').stat('k')).rejects.toMatchObject({ kind: 'unavailable' });
});

test('the signal ends it and removes the socket file', async () => {
  const stop = new AbortController();
  const server = await serveSnapshotter(new MemorySnapshotter(), { socket, signal: stop.signal });
  stop.abort();
  await server.closed;
  await expect(lstat(socket)).rejects.toMatchObject({ code: 'ENOENT' });
  await server.close();

  const reason = new Error('enough');
  const options = { socket, signal: AbortSignal.abort(reason) };
  await expect(serveSnapshotter(new MemorySnapshotter(), options)).rejects.toBe(reason);
  await expect(lstat(socket)).rejects.toMatchObject({ code: 'ENOENT' });
});

test('a socket where somebody answers is refused, a dead one replaced', async () => {
  {
    await using _ = await serveSnapshotter(new MemorySnapshotter(), { socket });
    await expect(serveSnapshotter(new MemorySnapshotter(), { socket })).rejects.toMatchObject({
      kind: 'failed_precondition',
      message: expect.stringContaining(socket),
    });
  }
  const script = `require('net').createServer().listen(${JSON.stringify(socket)}, () => process.kill(process.pid, 9))`;
  await once(spawn(process.execPath, ['-e', script], { stdio: 'ignore' }), 'exit');
  expect((await lstat(socket)).isSocket()).toBe(true);
  await using _ = await serveSnapshotter(new MemorySnapshotter(), { socket });
  await using transport = unixTransport(socket);
  await remoteSnapshotter(transport, 'any').prepare('k', '');
});

test('what is thrown and is no Fault is internal to the caller, and told to the log', async () => {
  const told: unknown[] = [];
  const log: Logger = {
    ...silentLogger,
    error: (fields) => void told.push((fields as { err: unknown }).err),
  };
  const bug = new TypeError('undefined is not a snapshot');
  const broken = Object.assign(new MemorySnapshotter(), { stat: () => Promise.reject(bug) });
  await using _ = await serveSnapshotter(broken, { socket, log });
  await using transport = unixTransport(socket);
  await expect(remoteSnapshotter(transport, 'any').stat('k')).rejects.toMatchObject({ kind: 'internal' });
  expect(told).toEqual([bug]);
});
