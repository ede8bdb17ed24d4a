import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createRouterTransport } from '@connectrpc/connect';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { type PluginStatus, Skip } from '@stowage/core';
import type { Introspection } from '../src/introspection.ts';
import { localIntrospection } from '../src/local.ts';
import { remoteIntrospection, remoteVersion } from '../src/remote.ts';
import { introspectionRoutes, versionRoutes } from '../src/service.ts';

const base = { requires: [], platforms: [], capabilities: [], exports: new Map<string, string>() };
const statuses: PluginStatus[] = [
  {
    ...base,
    type: 'io.containerd.content.v1',
    id: 'content',
    state: 'ok',
    exports: new Map([['root', '/r']]),
  },
  {
    ...base,
    type: 'io.containerd.snapshotter.v1',
    id: 'overlayfs',
    state: 'ok',
    platforms: [{ os: 'linux', architecture: 'amd64' }],
    capabilities: ['rebase'],
  },
  {
    ...base,
    type: 'io.containerd.snapshotter.v1',
    id: 'zfs',
    state: 'skipped',
    error: new Skip('no zfs here'),
  },
  { ...base, type: 'io.containerd.grpc.v1', id: 'broken', state: 'failed', error: new Error('no luck') },
];

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'stowage-introspection-'));
});
afterEach(() => rm(dir, { recursive: true }));
const local = () => localIntrospection({ root: join(dir, 'root'), plugins: () => statuses, runtimes: [] });
const overConnect = (it: Introspection) =>
  remoteIntrospection(createRouterTransport(introspectionRoutes(it)));

describe.each([
  ['local', (it: Introspection) => it],
  ['over Connect', overConnect],
])('%s', (_, reach) => {
  test('every plugin is listed, with how it came up', async () => {
    const plugins = await reach(local()).plugins();
    expect(plugins.map(({ id, state, error }) => [id, state, error?.message])).toEqual([
      ['content', 'ok', undefined],
      ['overlayfs', 'ok', undefined],
      ['zfs', 'skipped', 'no zfs here'],
      ['broken', 'failed', 'no luck'],
    ]);
    expect(plugins[0]?.exports.get('root')).toBe('/r');
    expect(plugins[1]).toMatchObject({
      platforms: [{ os: 'linux', architecture: 'amd64' }],
      capabilities: ['rebase'],
    });
  });

  test('filters choose by type and id', async () => {
    const ids = async (...filters: string[]) => (await reach(local()).plugins(filters)).map((p) => p.id);
    expect(await ids('type==io.containerd.snapshotter.v1')).toEqual(['overlayfs', 'zfs']);
    expect(await ids('type==io.containerd.snapshotter.v1,id==zfs')).toEqual(['zfs']);
    expect(await ids('id==content', 'id==zfs')).toEqual(['content', 'zfs']);
    await expect(ids('id=~=')).rejects.toMatchObject({ kind: 'invalid_argument' });
  });

  test('the server has an id that lasts', async () => {
    const first = await reach(local()).server();
    expect(first).toMatchObject({
      uuid: expect.stringMatching(/^[0-9a-f-]{36}$/),
      pid: BigInt(process.pid),
      pidNamespace: (await stat('/proc/self/ns/pid', { bigint: true })).ino,
    });
    expect((await reach(local()).server()).uuid).toBe(first.uuid);
  });

  test.each([
    ['a plugin that is not there', 'io.containerd.nothing.v1', 'x', 'not_found'],
    ['a plugin that failed', 'io.containerd.grpc.v1', 'broken', 'failed_precondition'],
  ])('plugin info of %s', async (_, type, id, kind) => {
    await expect(reach(local()).pluginInfo({ type, id })).rejects.toMatchObject({ kind });
  });

  test('plugin info with options is unimplemented where a plugin has no more to say', async () => {
    const about = { type: 'io.containerd.content.v1', id: 'content' };
    expect((await reach(local()).pluginInfo(about)).plugin.id).toBe('content');
    const options = { typeUrl: 'containerd.types.RuntimeRequest', value: new Uint8Array() };
    await expect(reach(local()).pluginInfo({ ...about, options })).rejects.toMatchObject({
      kind: 'unimplemented',
    });
  });
});

test('the version goes over the wire as it is', async () => {
  const info = { version: '2.3.4+stowage.0.1.0', revision: 'abc' };
  const remote = remoteVersion(createRouterTransport(versionRoutes({ version: async () => info })));
  expect(await remote.version()).toEqual(info);
});
