import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from '@jest/globals';
import type { Snapshotter } from '@stowage/snapshots';
import { type SnapshotterServer, serveSnapshotter } from '@stowage/snapshots/serve';
import { NativeSnapshotter } from '@stowage/snapshotter-native';
import { OverlaySnapshotter } from '@stowage/snapshotter-overlay';
import {
  Daemon,
  demoArchive,
  mustCtr,
  type Program,
  run,
  startContainerd,
  startRegistry,
  until,
} from '@stowage/testing';
import { withTempDir } from '../suite.ts';

// Our snapshotters, each served at a socket, under Debian's containerd: a Go client of our service end.

const suite = withTempDir('proxied');
const open = { overlay: OverlaySnapshotter.open, native: NativeSnapshotter.open } as const;
const NAMES = ['overlay', 'native'] as const;
type Name = (typeof NAMES)[number];

const local = new Map<Name, Snapshotter & AsyncDisposable>();
const servers = new Map<Name, SnapshotterServer>();
let containerd: Program & { readonly address: string };
let registry: Program & { readonly host: string };

const c = (...args: string[]) => mustCtr(containerd.address, args);
const proxied = (name: Name) => `stowage-${name}`;
const socket = (name: Name) => join(suite.dir, `${name}.sock`);

async function serve(name: Name): Promise<void> {
  const snapshotter = await open[name](join(suite.dir, name));
  local.set(name, snapshotter);
  servers.set(name, await serveSnapshotter(snapshotter, { socket: socket(name), name: proxied(name) }));
}

async function stop(name: Name): Promise<void> {
  await servers.get(name)?.close();
  await local.get(name)?.[Symbol.asyncDispose]();
}

function backend(name: Name): Snapshotter {
  const found = local.get(name);
  if (found === undefined) throw new Error(`${name} is not served`);
  return found;
}

beforeAll(async () => {
  for (const name of NAMES) await serve(name);
  const proxies = NAMES.map(
    (name) => `[proxy_plugins.${proxied(name)}]\ntype = "snapshot"\naddress = "${socket(name)}"`,
  );
  containerd = await startContainerd(join(suite.dir, 'containerd'), proxies);
  registry = await startRegistry(join(suite.dir, 'registry'));
  const image = `${registry.host}/demo:1`;
  await c('images', 'import', '--no-unpack', await demoArchive(join(suite.dir, 'image'), image));
  await c('images', 'push', '--plain-http', image);
  await c('images', 'rm', '--sync', image);
}, 120_000);

// Before the census.
suite.before(async () => {
  await containerd?.[Symbol.asyncDispose]();
  await registry?.[Symbol.asyncDispose]();
  for (const name of NAMES) await stop(name);
});

describe.each(NAMES)('%s', (name) => {
  const flag = ['--snapshotter', proxied(name)];
  const s = (...args: string[]) => c('snapshots', ...flag, ...args);

  test('is a plugin of containerd’s', async () => {
    expect(await c('plugins', 'ls')).toMatch(
      new RegExp(`snapshotter\\.v1\\s+${proxied(name)}\\s+\\S+\\s+ok`),
    );
  });

  test('an image is pulled onto it, and runs on it', async () => {
    const image = `${registry.host}/demo:1`;
    await c('images', 'pull', '--plain-http', ...flag, image);
    const unpacked = await Array.fromAsync(backend(name).list(['kind==committed']));
    expect(unpacked.map((info) => info.name)).toEqual([
      expect.stringMatching(new RegExp(`^${suite.namespace}/\\d+/sha256:`)),
    ]);
    expect((await backend(name).usage(unpacked[0]?.name ?? '')).sizeBytes).toBeGreaterThan(500_000n);

    // ctr of a busy machine forgets what is printed right before the end.
    const script = 'echo hello from $(hostname) && echo kept > /tmp/f && cat /tmp/f; sleep 0.5';
    const args = ['run', '--rm', ...flag, image, `on-${name}`, '/bin/sh', '-c', script];
    expect(await c(...args)).toMatch(/hello from .*\nkept\n/);
    await until('the container’s snapshot to be gone', async () => {
      return (await Array.fromAsync(backend(name).list(['kind==active']))).length === 0;
    });
  }, 120_000);

  test('codes are what containerd makes of its own snapshotters', async () => {
    const fails = async (...args: string[]) => {
      const { code, stderr } = await run('ctr', [
        '--address',
        containerd.address,
        'snapshots',
        ...flag,
        ...args,
      ]);
      expect(code).not.toBe(0);
      return stderr;
    };
    await s('prepare', 'work');
    expect(await fails('prepare', 'work')).toContain('already exists');
    expect(await fails('prepare', 'lost', 'nobody')).toContain('not found');
    await s('commit', 'base', 'work');
    await s('view', 'look', 'base');
    expect(await fails('commit', 'other', 'look')).toContain('failed precondition');
    expect(await fails('rm', 'base')).toContain('failed precondition');
    await s('label', 'look', 'containerd.io/snapshot/x=1');
    const seen = await Array.fromAsync(backend(name).list(['kind==view']));
    expect(seen).toMatchObject([{ labels: { 'containerd.io/snapshot/x': '1' } }]);
    await s('rm', 'look');
    await s('rm', 'base');
  });

  test('what containerd’s collector removes is gone, files too', async () => {
    await c('images', 'rm', '--sync', `${registry.host}/demo:1`);
    await until(
      'everything to be removed',
      async () => (await Array.fromAsync(backend(name).list())).length === 0,
    );
    expect(await s('ls')).not.toContain('Committed');
    await backend(name).cleanup();
  });

  test('it may end and come back while containerd goes on', async () => {
    await s('prepare', 'before');
    const mounts = await s('mounts', '/mnt', 'before');
    await stop(name);
    const away = await run('ctr', ['--address', containerd.address, 'snapshots', ...flag, 'prepare', 'away']);
    expect(away.code).not.toBe(0);
    await serve(name);
    // Its client backs off for up to three seconds before it tries again.
    await until('containerd to reach it again', async () => {
      const again = ['--address', containerd.address, 'snapshots', ...flag, 'mounts', '/mnt', 'before'];
      return (await run('ctr', again)).stdout === mounts;
    });
    await s('rm', 'before');
  }, 60_000);
});

// The other way round: a Go server of snapshots.v1 under our daemon. Debian has none but containerd, whose own names for its
// snapshotters ours has too; so it is one that containerd has from us.
test('our daemon pulls an image onto a snapshotter of containerd’s, and runs it there', async () => {
  const name = proxied('native');
  const config = join(suite.dir, 'stowaged.toml');
  const proxy = `[proxy_plugins.${name}]\ntype = "snapshot"\naddress = "${containerd.address}"\n`;
  await writeFile(config, `version = 3\n${proxy}`);
  await using daemon = await Daemon.start({ dir: join(suite.dir, 'd'), config });
  const ours = (...args: string[]) => mustCtr(daemon.address, args);
  const image = `${registry.host}/demo:1`;
  await ours('images', 'pull', '--plain-http', '--snapshotter', name, image);
  const unpacked = await Array.fromAsync(backend('native').list(['kind==committed']), (info) => info.name);
  // Ours as containerd's backend, under both.
  expect(unpacked).toEqual([
    expect.stringMatching(new RegExp(`^${suite.namespace}/\\d+/${suite.namespace}/\\d+/sha256:`)),
  ]);
  // After this, containerd's collector is free to take what nothing of its own refers to.
  const command = ['/bin/sh', '-c', 'echo hello'];
  expect(await ours('run', '--rm', '--snapshotter', name, image, 'on-peer', ...command)).toBe('hello\n');
}, 120_000);
