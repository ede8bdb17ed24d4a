import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { Health } from '@stowage/api/health/v1';
import { type Descriptor, digestOf, Fault, MEDIA_TYPE, type Scope } from '@stowage/core';
import { rpcClient } from '@stowage/rpc';
import { unixTransport } from '@stowage/rpc/transport';
import type { Differ } from '../src/index.ts';
import { remoteDiffer } from '../src/remote.ts';
import { serveDiff } from '../src/serve.ts';

let dir: string;
let socket: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'diff-serve-'));
  socket = join(dir, 'sock');
});
afterEach(() => rm(dir, { recursive: true }));

const layer: Descriptor = { mediaType: MEDIA_TYPE.ociLayerGzip, digest: digestOf('layer'), size: 12n };
const applied: Descriptor = { mediaType: MEDIA_TYPE.ociLayer, digest: digestOf('plain'), size: 20n };
const differ: Differ = {
  apply: async () => applied,
  diff: () => Promise.reject(new Fault('unimplemented', 'diff: layers are only unpacked here')),
};

test('a socket of mode 0600 answers as the differ does', async () => {
  await using server = await serveDiff(differ, { socket });
  expect(server.path).toBe(socket);
  expect((await stat(socket)).mode & 0o777).toBe(0o600);
  await using transport = unixTransport(socket);
  const remote = remoteDiffer(transport);
  expect(await remote.apply(layer, [])).toMatchObject(applied);
  await expect(remote.diff([], [])).rejects.toMatchObject({ kind: 'unimplemented' });
  const health = rpcClient(Health, transport);
  expect(await health.check({ service: 'containerd.services.diff.v1.Diff' })).toMatchObject({ status: 1 });
});

test('a differ for each scope is found by the headers, the lease among them', async () => {
  const seen: Scope[] = [];
  const find = (scope: Scope) => {
    seen.push(scope);
    return differ;
  };
  await using _ = await serveDiff(find, { socket });
  await using transport = unixTransport(socket);
  await remoteDiffer(transport, { namespace: 'blue', lease: 'mine' }).apply(layer, []);
  await remoteDiffer(transport).apply(layer, []);
  expect(seen).toEqual([{ namespace: 'blue', lease: 'mine' }, { namespace: '' }]);
});
