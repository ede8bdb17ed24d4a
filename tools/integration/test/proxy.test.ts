import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { writeBlob } from '@stowage/content';
import { remoteContent } from '@stowage/content/remote';
import { contentRoutes } from '@stowage/content/service';
import { LocalContentStore } from '@stowage/content-store';
import { type Descriptor, Fault, type Labels, parseDigest, type Scope } from '@stowage/core';
import type { Differ } from '@stowage/diff';
import { remoteDiffer } from '@stowage/diff/remote';
import { diffRoutes } from '@stowage/diff/service';
import type { Routes } from '@stowage/rpc';
import { listen } from '@stowage/rpc/server';
import { type ClosableTransport, unixTransport } from '@stowage/rpc/transport';
import type { Snapshotter } from '@stowage/snapshots';
import { remoteSnapshotter } from '@stowage/snapshots/remote';
import { snapshotRoutes } from '@stowage/snapshots/service';
import { NativeSnapshotter } from '@stowage/snapshotter-native';
import { ctr, Daemon, mustCtr, until } from '@stowage/testing';
import { withTempDir } from '../suite.ts';

const suite = withTempDir('proxy');
const LAYER = 'application/vnd.example.layer';
const APPLIED: Descriptor = {
  mediaType: 'application/vnd.oci.image.layer.v1.tar',
  digest: parseDigest(`sha256:${'1'.repeat(64)}`),
  size: 3n,
};

/** What a proxied service was asked. */
interface Asked {
  readonly method: string;
  readonly namespace: string;
  /** Keys, parents, digests. */
  readonly names: readonly string[];
  readonly labels: Labels;
}

let daemon: Daemon;
let snapshotter: NativeSnapshotter;
let content: LocalContentStore;
let serving: AsyncDisposable;
let transport: ClosableTransport;
const asked: Asked[] = [];

const c = (...args: string[]) => mustCtr(daemon.address, args);
const socket = () => join(suite.dir, 'proxy.sock');
const askedFor = (method: string) => asked.filter((one) => one.method === method);

/** Writes down each call and passes it on. */
function recording(to: Snapshotter, { namespace }: Scope): Snapshotter {
  return new Proxy(to, {
    get: (target, method: keyof Snapshotter) => {
      return (...args: unknown[]) => {
        const names = args.filter((arg) => typeof arg === 'string');
        asked.push({ method, namespace, names, labels: labelsOf(args.at(-1)) });
        return (target[method] as (...args: unknown[]) => unknown).apply(target, args);
      };
    },
  });
}

const labelsOf = (options: unknown): Labels => ({ ...(options as { labels?: Labels } | undefined)?.labels });

function differ({ namespace }: Scope): Differ {
  return {
    async apply(layer) {
      asked.push({ method: 'apply', namespace, names: [layer.digest], labels: {} });
      if (layer.mediaType === LAYER) return APPLIED;
      throw new Fault('unimplemented', 'not mine');
    },
    async diff() {
      throw new Fault('unimplemented', 'not mine');
    },
  };
}

async function serve(): Promise<void> {
  const service = {
    names: ['proxied'],
    snapshotter: (scope: Scope, name: string) => {
      expect(name).toBe('proxied');
      return recording(snapshotter, scope);
    },
  };
  const routes: Routes[] = [snapshotRoutes(service), contentRoutes(() => content), diffRoutes(differ)];
  serving = await listen({ address: { path: socket() }, routes });
}

beforeAll(async () => {
  snapshotter = await NativeSnapshotter.open(join(suite.dir, 'snapshots'));
  content = await LocalContentStore.open(join(suite.dir, 'blobs'));
  await serve();
  const config = join(suite.dir, 'config.toml');
  const proxy = (name: string, type: string) =>
    `[proxy_plugins.${name}]\ntype = "${type}"\naddress = "${socket()}"\n`;
  const text = [
    'version = 3\n',
    `${proxy('proxied', 'snapshot')}[proxy_plugins.proxied.exports]\nroot = "/elsewhere"\n`,
    proxy('blobs', 'content'),
    proxy('layers', 'diff'),
    "[plugins.'io.containerd.service.v1.diff-service']\ndefault = ['layers', 'walking']\n",
  ];
  await writeFile(config, text.join(''));
  daemon = await Daemon.start({ dir: join(suite.dir, 'd'), config });
  transport = unixTransport(daemon.address);
}, 30_000);

afterAll(async () => {
  await transport?.[Symbol.asyncDispose]();
});
suite.before(async () => {
  await daemon?.[Symbol.asyncDispose]();
  await serving?.[Symbol.asyncDispose]();
  await snapshotter?.[Symbol.asyncDispose]();
  await content?.[Symbol.asyncDispose]();
});

test('proxies are plugins like others, with the facts that the config says of them', async () => {
  const listed = await c('plugins', 'ls');
  expect(listed).toMatch(/io\.containerd\.snapshotter\.v1\s+proxied\s+\S+\s+ok/);
  expect(listed).toMatch(/io\.containerd\.content\.v1\s+blobs\s+\S+\s+ok/);
  expect(listed).not.toMatch(/io\.containerd\.content\.v1\s+content\s/);
  expect(await c('plugins', 'ls', '-d', 'id==proxied')).toMatch(/root\s+\/elsewhere/);
});

test('a proxied snapshotter prepares, commits, lists and removes; it sees keys as the metadata has them', async () => {
  const s = (...args: string[]) => c('-n', 'blue', 'snapshots', '--snapshotter', 'proxied', ...args);
  await s('prepare', 'work');
  expect(await s('mounts', '/mnt', 'work')).toContain(join(suite.dir, 'snapshots'));
  await s('commit', 'base', 'work');
  await s('prepare', 'top', 'base');
  expect(await s('ls')).toMatch(/base\s+Committed\s+top\s+base\s+Active/);
  expect(await c('-n', 'green', 'snapshots', '--snapshotter', 'proxied', 'ls')).not.toContain('base');

  const [first, second] = askedFor('prepare');
  expect(first).toMatchObject({ namespace: 'blue', names: [expect.stringMatching(/^blue\/\d+\/work$/), ''] });
  expect(second).toMatchObject({
    namespace: 'blue',
    names: [expect.stringMatching(/^blue\/\d+\/top$/), expect.stringMatching(/^blue\/\d+\/base$/)],
  });
  expect(askedFor('commit')).toMatchObject([
    { namespace: 'blue', names: [second?.names[1], first?.names[0]] },
  ]);

  await s('rm', 'top');
  await s('rm', 'base');
  await until('the collector to remove both', () => askedFor('remove').length === 2);
  expect(askedFor('remove').map(({ namespace }) => namespace)).toEqual(['blue', 'blue']);
  await until('both to be gone', async () => (await Array.fromAsync(snapshotter.list())).length === 0);
});

test('of the labels it is told those that are for snapshotters', async () => {
  asked.length = 0;
  const blue = remoteSnapshotter(transport, 'proxied', { namespace: 'blue' });
  const labels = { 'containerd.io/snapshot/x': '1', 'containerd.io/gc.root': 'now', mine: 'y' };
  await blue.prepare('labelled', '', { labels });
  expect(askedFor('prepare')).toMatchObject([{ labels: { 'containerd.io/snapshot/x': '1' } }]);
  expect(Object.keys(askedFor('prepare')[0]?.labels ?? {})).toHaveLength(1);
  expect((await blue.stat('labelled')).labels).toEqual(labels);
  await blue.remove('labelled');
});

test('while its process is away a call says so by the name of the socket; the next one finds it again', async () => {
  await serving[Symbol.asyncDispose]();
  const args = ['snapshots', '--snapshotter', 'proxied', 'prepare', 'back'];
  const away = await ctr(daemon.address, args);
  expect(away.code).not.toBe(0);
  expect(away.stderr).toContain(socket());
  await serve();
  await c(...args);
  await c('snapshots', '--snapshotter', 'proxied', 'rm', 'back');
});

test('a proxied content store is instead of ours', async () => {
  const digest = parseDigest(`sha256:${createHash('sha256').update('hello').digest('hex')}`);
  const blobs = remoteContent(transport, { namespace: suite.namespace });
  const labels = { 'containerd.io/gc.root': 'now' };
  await writeBlob(blobs, 'ref', Buffer.from('hello'), { digest, size: 5n }, { labels });
  expect(await Array.fromAsync(content.list())).toMatchObject([{ digest, sizeBytes: 5n }]);
  expect(await c('content', 'ls', '-q')).toContain(digest);
  expect(await c('content', 'get', digest)).toBe('hello');
  expect(await c('-n', 'other', 'content', 'ls', '-q')).not.toContain(digest);
  await c('content', 'rm', digest);
});

test('differs are asked in the order of the config, in the name of the namespace', async () => {
  asked.length = 0;
  const blue = remoteDiffer(transport, { namespace: 'blue' });
  const layer = { ...APPLIED, mediaType: LAYER };
  expect(await blue.apply(layer, [])).toMatchObject(APPLIED);
  expect(askedFor('apply')).toMatchObject([{ namespace: 'blue' }]);
  await expect(blue.apply(APPLIED, [])).rejects.toMatchObject({ kind: 'not_found' });
});
