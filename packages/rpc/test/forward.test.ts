import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, test } from '@jest/globals';
import { Events } from '@stowage/api/events/v1';
import { Version } from '@stowage/api/version/v1';
import { Fault } from '@stowage/core';
import { forwardRoutes } from '../src/forward.ts';
import { httpCalls } from '../src/http.ts';
import { rpcClient, scopeOf, serviceRoutes } from '../src/index.ts';
import { memoryTransport } from '../src/transport.ts';
import { serve } from './fixture.ts';

test('a call that is passed on keeps its scope, and its failure keeps kind and message', async () => {
  const heard: unknown[] = [];
  const impl = {
    version(_: object, context: Parameters<typeof scopeOf>[0]) {
      heard.push(scopeOf(context));
      if (heard.length === 2) throw new Fault('conflict', 'version x: taken');
      return { version: '1', revision: 'r' };
    },
  };
  await using s = await serve([serviceRoutes(Version, impl)]);
  const front = memoryTransport(forwardRoutes([Version], s.transport));
  const rpc = rpcClient(Version, front, { namespace: 'n', lease: 'l' });
  expect(await rpc.version({})).toMatchObject({ version: '1' });
  await expect(rpc.version({})).rejects.toMatchObject({ kind: 'conflict', message: 'version x: taken' });
  expect(heard[0]).toEqual({ namespace: 'n', lease: 'l' });
});

test('a stream over HTTP comes message by message, and ends behind it when its reader leaves', async () => {
  const ended = Promise.withResolvers<void>();
  const impl = {
    async *subscribe(_: object, { signal }: { readonly signal: AbortSignal }) {
      yield { topic: '/first' };
      await once(signal, 'abort');
      ended.resolve();
    },
  };
  await using s = await serve([serviceRoutes(Events, impl)]);
  using calls = httpCalls({ routes: [forwardRoutes([Events], s.transport)] });
  const server = createServer(calls.answer).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const leave = new AbortController();
  const answer = await fetch(`http://127.0.0.1:${port}/containerd.services.events.v1.Events/Subscribe`, {
    method: 'POST',
    headers: { 'content-type': 'application/connect+json' },
    body: Buffer.from('\0\0\0\0\x02{}'),
    signal: leave.signal,
  });
  const { value } = (await answer.body?.getReader().read()) ?? {};
  expect(Buffer.from(value ?? []).toString()).toContain('{"topic":"/first"}');
  leave.abort();
  await ended.promise;
  server.closeAllConnections();
  server.close();
});

test('calls that an HTTP server is busy with end with the reason that it gives', async () => {
  const impl = { version: (_: object, { signal }: { readonly signal: AbortSignal }) => hang(signal) };
  const calls = httpCalls({ routes: [serviceRoutes(Version, impl)] });
  const server = createServer(calls.answer).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const asked = fetch(`http://127.0.0.1:${port}/containerd.services.version.v1.Version/Version`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{}',
  });
  await once(server, 'request');
  calls.abort(new Fault('unavailable', 'the page is closed'));
  const answer = await asked;
  expect([answer.status, await answer.json()]).toEqual([
    503,
    { code: 'unavailable', message: 'the page is closed' },
  ]);
  server.close();
});

async function hang(signal: AbortSignal): Promise<never> {
  if (!signal.aborted) await once(signal, 'abort');
  throw signal.reason;
}
