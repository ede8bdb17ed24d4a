import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach } from '@jest/globals';
import { silentLogger } from '@stowage/core';
import { Engine } from '@stowage/engine';
import { metadataSlot } from '@stowage/metadata';
import { metadataPlugin, snapshotsServicePlugin } from '@stowage/metadata/plugin';
import type { ProxyPlugin } from '@stowage/plugins';
import { snapshotsGrpcPlugin } from '@stowage/snapshots/plugin';
import { remoteSnapshotter } from '@stowage/snapshots/remote';
import { serveSnapshotter } from '@stowage/snapshots/serve';
import { NativeSnapshotter } from '@stowage/snapshotter-native';
import { nativeSnapshotterPlugin } from '@stowage/snapshotter-native/plugin';
import { AddedFile } from '../src/added/added-file.ts';
import { addedPlugins } from '../src/added/added-plugins.ts';
import { LocalProxyPlugins } from '../src/added/local-proxy-plugins.ts';
import { parseConfig } from '../src/config/load.ts';
import { proxyPlugins } from '../src/proxy.ts';

export const TYPE = 'io.containerd.snapshotter.v1';

/** A snapshotter in a folder of its own for each test of a file, to be served at a socket and added to a daemon. */
export function addedSetting() {
  let dir: string;
  let far: NativeSnapshotter;
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'stowage-added-'));
    far = await NativeSnapshotter.open(join(dir, 'far'));
  });
  afterEach(async () => {
    await far[Symbol.asyncDispose]();
    await rm(dir, { recursive: true });
  });

  const socket = () => join(dir, 'far.sock');
  const serve = (name?: string) => serveSnapshotter(far, { socket: socket(), name, log: silentLogger });
  const plugin = (name: string, more: Partial<ProxyPlugin> = {}): ProxyPlugin => ({
    name,
    type: 'snapshot',
    address: socket(),
    capabilities: [],
    exports: {},
    ...more,
  });

  /** An engine with metadata and one snapshotter of its own, as a daemon puts it together. */
  async function daemon(table: Readonly<Record<string, unknown>> = {}) {
    const config = parseConfig(table, '/etc/c.toml');
    const file = await AddedFile.read(join(dir, 'added.json'), silentLogger);
    const origins = new Map([[`${TYPE}.native`, 'built in']]);
    const { plugins: added, leftOut } = addedPlugins(file.configs, { config, origins });
    const engine = await Engine.open({
      root: join(dir, 'root'),
      state: join(dir, 'state'),
      plugins: [
        nativeSnapshotterPlugin,
        metadataPlugin,
        snapshotsServicePlugin,
        snapshotsGrpcPlugin,
        ...proxyPlugins(config.proxyPlugins),
        ...added,
      ],
      disabled: config.disabledPlugins,
    });
    const metadata = engine.values(metadataSlot).get('level');
    if (metadata === undefined) throw new Error('metadata did not start');
    const plugins = new LocalProxyPlugins({
      config,
      origins,
      file,
      leftOut,
      host: engine,
      plugins: () => engine.plugins(),
      metadata,
      log: silentLogger,
      probeTimeoutMs: 500,
    });
    return {
      plugins,
      metadata,
      status: (id: string) => engine.plugins().find((one) => one.id === id && one.type === TYPE),
      snapshotter: (id: string) => remoteSnapshotter(engine.transport, id, { namespace: 'blue' }),
      [Symbol.asyncDispose]: () => engine[Symbol.asyncDispose](),
    };
  }

  return {
    get dir() {
      return dir;
    },
    get far() {
      return far;
    },
    socket,
    serve,
    plugin,
    daemon,
  };
}
