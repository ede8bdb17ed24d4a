import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { Health } from '@stowage/api/health/v1';
import { readBlob, storeFor, writeBlob } from '@stowage/content';
import { remoteContent } from '@stowage/content/remote';
import { LocalContentStore } from '@stowage/content-store';
import { digestOf, Fault, type Scope } from '@stowage/core';
import { rpcClient } from '@stowage/rpc';
import { unixTransport } from '@stowage/rpc/transport';
import { serveContent } from '../src/serve.ts';

let dir: string;
let socket: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'content-serve-'));
  socket = join(dir, 'sock');
});
afterEach(() => rm(dir, { recursive: true }));

const bytes = Buffer.from('hello');
const hello = { digest: digestOf(bytes), size: 5n };

test('a socket of mode 0600 answers as the store does, whatever the scope', async () => {
  await using store = await LocalContentStore.open(join(dir, 'store'));
  await using server = await serveContent(store, { socket: `unix://${socket}` });
  expect(server.path).toBe(socket);
  expect((await stat(socket)).mode & 0o777).toBe(0o600);
  await using transport = unixTransport(socket);
  await writeBlob(remoteContent(transport, { namespace: 'blue' }), 'blue/1/ref', bytes, hello);
  expect(Buffer.from(await readBlob(remoteContent(transport), hello))).toEqual(bytes);
  expect(await store.info(hello.digest)).toMatchObject({ sizeBytes: 5n });
  const health = rpcClient(Health, transport);
  expect(await health.check({ service: 'containerd.services.content.v1.Content' })).toMatchObject({
    status: 1,
  });
});

test('a store for each scope is found by the headers', async () => {
  await using blue = await LocalContentStore.open(join(dir, 'blue'));
  const seen: Scope[] = [];
  const find = (scope: Scope) => {
    seen.push(scope);
    if (scope.namespace === 'blue') return blue;
    throw new Fault('unavailable', `nobody serves ${scope.namespace}`);
  };
  await using _ = await serveContent(find, { socket });
  await using transport = unixTransport(socket);
  const as = (scope: Scope) => remoteContent(transport, scope);
  await writeBlob(as({ namespace: 'blue', lease: 'mine' }), 'ref', bytes, hello);
  expect(seen).toEqual([{ namespace: 'blue', lease: 'mine' }]);
  await expect(as({ namespace: 'green' }).info(hello.digest)).rejects.toMatchObject({
    kind: 'unavailable',
    message: 'nobody serves green',
  });
});

test('a store that does not care in whose name it is called is itself for all', async () => {
  await using store = await LocalContentStore.open(join(dir, 'store'));
  expect(storeFor(store, 'blue')).toBe(store);
  const aware = Object.assign(Object.create(store), { forNamespace: (name: string) => ({ name }) });
  expect(storeFor(aware, 'blue')).toEqual({ name: 'blue' });
});
