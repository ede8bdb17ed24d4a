import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { connect } from '@stowage/client';
import { LocalContentStore } from '@stowage/content-store';
import { digestOf, hostPlatform } from '@stowage/core';
import { buildImage, writeArchive } from '@stowage/oci-image';
import {
  demoArchive,
  mustCtr,
  type Program,
  startRegistry,
  startRegistryFront,
  until,
} from '@stowage/testing';
import { withDaemon } from '../suite.ts';

let registry: (Program & { readonly host: string }) | undefined;
// Before the census, so before it is set up.
afterAll(async () => {
  await registry?.[Symbol.asyncDispose]();
});

const suite = withDaemon('ctr-pull');
const LAYER_BYTES = 12 * 1024 * 1024;
const c = (...args: string[]) => mustCtr(suite.daemon.address, args);
const host = () => registry?.host ?? '';

beforeAll(async () => {
  registry = await startRegistry(join(suite.dir, 'registry'));
}, 30_000);

/** Leaves an image of one large layer in the registry only. */
async function pushNoise(name: string): Promise<void> {
  const pushed = `${host()}/${name}`;
  await using content = await LocalContentStore.open(join(suite.dir, name.replaceAll(/\W/g, '-')));
  const target = await buildImage(content, {
    platform: hostPlatform(),
    layers: [[{ path: 'noise', data: randomBytes(LAYER_BYTES), mode: 0o644 }]],
    config: {},
  });
  await using client = connect(suite.daemon.address, { namespace: 'pushing' });
  await client.importImages(writeArchive(content, [{ name: pushed, target }]));
  await c('-n', 'pushing', 'images', 'push', '--plain-http', pushed);
  await c('-n', 'pushing', 'images', 'rm', '--sync', pushed);
}

/** Names of the blobs on disk, of all namespaces. */
async function onDisk(): Promise<string[]> {
  return readdir(join(suite.daemon.root, 'io.containerd.content.v1.content/blobs/sha256'));
}

test.each([
  ['content fetch', ['content', 'fetch', '--plain-http']],
  ['images pull', ['images', 'pull', '--plain-http']],
])(
  '%s goes on where it was when the daemon was killed in the middle of a layer',
  async (what, verb) => {
    const name = what.replace(' ', '-');
    await pushNoise(`${name}:1`);
    await using front = await startRegistryFront(host(), LAYER_BYTES * 0.7);
    const args = ['-n', name, ...verb, `${front.host}/${name}:1`];
    await using client = connect(suite.daemon.address, { namespace: name });
    const layer = async () =>
      (await Array.fromAsync(client.services.content.statuses())).find(({ ref }) => ref.startsWith('layer-'));

    const first = spawn('ctr', ['--address', suite.daemon.address, ...args], { stdio: 'ignore' });
    const ended = once(first, 'exit');
    await until('half of the layer', async () => ((await layer())?.offset ?? 0n) > LAYER_BYTES / 2, 30_000);
    await suite.daemon.stop('SIGKILL');
    // It may be waiting for the registry, and never notice.
    first.kill('SIGKILL');
    await ended;
    await suite.daemon.start();

    const left = (await layer())?.offset ?? 0n;
    expect(left).toBeGreaterThan(LAYER_BYTES / 2);
    front.open();
    const before = front.blobRequests.length;
    await c(...args);
    const layers = front.blobRequests.slice(before).filter(({ sentBytes }) => sentBytes > 1_000_000);
    expect(layers).toMatchObject([{ range: `bytes=${left}-` }]);
    expect(layers[0]?.sentBytes).toBeLessThan(LAYER_BYTES / 2);
    expect(await c('-n', name, 'images', 'check')).toMatch(/complete \(2\/2\)/);
    for await (const { digest } of client.services.content.list())
      expect(digestOf(Buffer.concat(await Array.fromAsync(client.services.content.read(digest))))).toBe(
        digest,
      );
    expect(await c('-n', name, 'content', 'active')).not.toContain('layer-');

    await c('-n', name, 'images', 'rm', '--sync', `${front.host}/${name}:1`);
    for (const lease of (await c('-n', name, 'leases', 'ls', '-q')).split('\n').filter(Boolean))
      await c('-n', name, 'leases', 'rm', '--sync', lease);
    await until('its blobs to go', async () => (await onDisk()).length === 0);
  },
  120_000,
);

/** The names of the layers, which alone know how they were before compression. */
async function layers(): Promise<string[]> {
  const listed = await c('content', 'ls', '-q', 'labels."containerd.io/uncompressed"');
  return listed.split('\n').flatMap((digest) => (digest === '' ? [] : [digest.replace('sha256:', '')]));
}

test('images rm --sync frees the blobs, once nothing else needs them', async () => {
  const archive = await demoArchive(join(suite.dir, 'image'), 'example.org/demo:1');
  await c('images', 'import', archive);
  await c('images', 'tag', 'example.org/demo:1', 'example.org/demo:2');
  const [layer = ''] = await layers();
  await c('images', 'rm', '--sync', 'example.org/demo:1');
  expect(await onDisk()).toContain(layer);
  await c('images', 'rm', '--sync', 'example.org/demo:2');
  expect(await onDisk()).toEqual([]);
  expect(await c('content', 'ls', '-q')).toBe('');
  expect(await c('snapshots', 'ls')).not.toContain('sha256:');
}, 30_000);

test('content prune references drops layers that are unpacked, and the image still runs', async () => {
  const archive = await demoArchive(join(suite.dir, 'prune'), 'example.org/prune:1');
  await c('images', 'import', archive);
  const [layer = ''] = await layers();
  expect(await onDisk()).toContain(layer);
  await c('content', 'prune', 'references');
  await until('the layer to go', async () => !(await onDisk()).includes(layer));
  expect(await c('images', 'check')).toMatch(/example\.org\/prune:1.*incomplete \(1\/2\)/);
  expect(await c('run', '--rm', 'example.org/prune:1', 'pruned', '/bin/echo', 'runs')).toBe('runs\n');
  await c('images', 'rm', '--sync', 'example.org/prune:1');
  expect(await onDisk()).toEqual([]);
}, 60_000);
