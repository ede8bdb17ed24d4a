import { createRouterTransport, type Transport } from '@connectrpc/connect';
import { expect, test } from '@jest/globals';
import { Snapshots } from '@stowage/api/snapshots/v1';
import { Fault, type Scope } from '@stowage/core';
import { rpcClient } from '@stowage/rpc';
import { rawSnapshotService, type SnapshotInfo, type Snapshotter } from '../src/index.ts';
import { remoteSnapshotService, remoteSnapshotter } from '../src/remote.ts';
import { snapshotRoutes } from '../src/service.ts';

const info = (name: string): SnapshotInfo => ({
  name,
  parent: '',
  kind: 'active',
  labels: {},
  createdAt: new Date(1_700_000_000_000),
  updatedAt: new Date(1_700_000_000_500),
});

const refuse = () => Promise.reject(new Fault('unimplemented', 'not in this test'));

function snapshotter(over: Partial<Snapshotter>): Snapshotter {
  return {
    stat: refuse,
    update: refuse,
    usage: refuse,
    mounts: refuse,
    prepare: refuse,
    view: refuse,
    commit: refuse,
    remove: refuse,
    async *list() {},
    cleanup: refuse,
    ...over,
  };
}

function served(over: Partial<Snapshotter>): Transport {
  return createRouterTransport(snapshotRoutes(rawSnapshotService(new Map([['one', snapshotter(over)]]))));
}

test('an unknown snapshotter is invalid_argument, and the message lists those there are', async () => {
  await expect(remoteSnapshotter(served({}), 'two').stat('k')).rejects.toMatchObject({
    kind: 'invalid_argument',
    message: expect.stringMatching(/"two".*one/),
  });
  await expect(remoteSnapshotter(served({}), '').stat('k')).rejects.toMatchObject({
    kind: 'invalid_argument',
  });
});

test('every message of a list has at most 100 snapshots', async () => {
  const transport = served({
    async *list() {
      for (let i = 0; i < 250; i++) yield info(`s${i}`);
    },
  });
  const pages: number[] = [];
  for await (const page of rpcClient(Snapshots, transport).list({ snapshotter: 'one' })) {
    pages.push(page.info.length);
  }
  expect(pages).toEqual([100, 100, 50]);
  const names = await Array.fromAsync(remoteSnapshotter(transport, 'one').list(), ({ name }) => name);
  expect(names).toHaveLength(250);
  expect(names[249]).toBe('s249');
});

test('leaving a list early ends it at the server', async () => {
  const ended = Promise.withResolvers<void>();
  const transport = served({
    async *list(_filters, { signal } = {}) {
      signal?.addEventListener('abort', () => ended.resolve());
      for (let i = 0; ; i++) yield info(`s${i}`);
    },
  });
  for await (const _ of remoteSnapshotter(transport, 'one').list()) break;
  await ended.promise;
});

test('labels named like properties of every object cross the wire', async () => {
  const hostile = JSON.parse('{"__proto__":"a","constructor":"b"}') as Record<string, string>;
  const seen: unknown[] = [];
  const transport = served({
    prepare: async (_key, _parent, { labels } = {}) => {
      seen.push(...Object.entries(labels ?? {}));
      return [];
    },
    stat: async (name) => ({ ...info(name), labels: hostile }),
  });
  const remote = remoteSnapshotter(transport, 'one');
  await remote.prepare('k', '', { labels: hostile });
  expect(seen).toEqual([
    ['__proto__', 'a'],
    ['constructor', 'b'],
  ]);
  expect(Object.entries((await remote.stat('k')).labels)).toEqual(seen);
});

test('an update keeps label keys in its mask as they are, and its empty values', async () => {
  const seen: unknown[] = [];
  const transport = served({
    update: async (name, labels, paths) => {
      seen.push({ ...labels }, paths);
      return info(name);
    },
  });
  const remote = remoteSnapshotter(transport, 'one');
  await remote.update('k', { 'a.b/fooBar': '' }, ['labels.a.b/fooBar']);
  expect(seen).toEqual([{ 'a.b/fooBar': '' }, ['labels.a.b/fooBar']]);
});

test('times, kind and usage come back as they were', async () => {
  const transport = served({
    stat: async (name) => ({ ...info(name), kind: 'view', parent: 'p' }),
    usage: async () => ({ sizeBytes: 2n ** 40n, inodes: 7n }),
  });
  const remote = remoteSnapshotter(transport, 'one');
  const got = await remote.stat('k');
  expect({ ...got, labels: { ...got.labels } }).toEqual({ ...info('k'), kind: 'view', parent: 'p' });
  expect(await remote.usage('k')).toEqual({ sizeBytes: 2n ** 40n, inodes: 7n });
});

test('the scope travels in headers to whoever resolves the snapshotter', async () => {
  const scopes: Scope[] = [];
  const transport = createRouterTransport(
    snapshotRoutes({
      names: ['one'],
      snapshotter: (scope) => {
        scopes.push(scope);
        return snapshotter({ stat: async (name) => info(name) });
      },
    }),
  );
  const scope = { namespace: 'moby', lease: 'l1' };
  await remoteSnapshotService(transport).snapshotter(scope, 'one').stat('k');
  expect(scopes).toEqual([scope]);
});
