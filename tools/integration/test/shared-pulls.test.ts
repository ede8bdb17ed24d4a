import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { connect, type PullOptions } from '@stowage/client';
import { LocalContentStore } from '@stowage/content-store';
import { hostPlatform } from '@stowage/core';
import { buildImage, pushImage } from '@stowage/oci-image';
import { openRegistry } from '@stowage/registry';
import { type Program, type RegistryFront, startRegistry, startRegistryFront } from '@stowage/testing';
import { beginStowage } from '../cli.ts';
import { withDaemon } from '../suite.ts';

let registry: (Program & { readonly host: string }) | undefined;
// Before the census, so before it is set up.
afterAll(async () => {
  await registry?.[Symbol.asyncDispose]();
});

const suite = withDaemon('shared-pulls');
const LAYER_BYTES = 6 * 1024 * 1024;

/** Three layers that do not compress, in the registry only. */
async function push(path: string): Promise<void> {
  await using content = await LocalContentStore.open(join(suite.dir, path.replace(':', '-')));
  const layers = ['a', 'b', 'c'].map((name) => [{ path: name, data: randomBytes(LAYER_BYTES), mode: 0o644 }]);
  const target = await buildImage(content, { platform: hostPlatform(), layers, config: {} });
  await using pusher = openRegistry();
  await pushImage({ pusher, content, target, name: `${registry?.host}/${path}` });
}

/** How each blob was asked for: the Range headers, empty for all of it. */
function requestsOf(front: RegistryFront): string[][] {
  const byDigest = new Map<string, string[]>();
  for (const { digest, range } of front.blobRequests)
    byDigest.set(digest, [...(byDigest.get(digest) ?? []), range]);
  return [...byDigest.values()];
}

async function pullAs(namespace: string, name: string, options: PullOptions = {}): Promise<string> {
  await using client = connect(suite.daemon.address, { namespace });
  return (await client.pull(name, options)).target.digest;
}

beforeAll(async () => {
  registry = await startRegistry(join(suite.dir, 'registry'));
}, 60_000);

test('of ten clients that pull one image, some of which unpack it, one brings each blob, and all see it come', async () => {
  await push('ten:1');
  await using front = await startRegistryFront(registry?.host ?? '', Number.POSITIVE_INFINITY);
  const name = `${front.host}/ten:1`;
  const fetched = new Set<number>();
  const pulls = Array.from({ length: 10 }, (_, i) =>
    pullAs('ten', name, {
      unpack: i < 2,
      onProgress: ({ stage }) => stage === 'fetch' && fetched.add(i),
    }),
  );
  expect(new Set(await Promise.all(pulls)).size).toBe(1);
  // A config and three layers.
  expect(requestsOf(front)).toEqual([[''], [''], [''], ['']]);
  expect(fetched.size).toBe(10);
  await using client = connect(suite.daemon.address, { namespace: 'ten' });
  expect(await Array.fromAsync(client.services.content.statuses())).toEqual([]);
  expect(await Array.fromAsync(client.services.leases.list())).toEqual([]);
}, 60_000);

test('two pulls by one client are one download as well', async () => {
  await push('two:1');
  await using front = await startRegistryFront(registry?.host ?? '', Number.POSITIVE_INFINITY);
  await using client = connect(suite.daemon.address, { namespace: 'two' });
  const name = `${front.host}/two:1`;
  await Promise.all([client.pull(name), client.pull(name, { unpack: true })]);
  expect(requestsOf(front)).toEqual([[''], [''], [''], ['']]);
});

test('where the first client is killed, the second, which waited, goes on at the bytes that came', async () => {
  await push('killed:1');
  await using front = await startRegistryFront(registry?.host ?? '', LAYER_BYTES * 2);
  const name = `${front.host}/killed:1`;
  const first = beginStowage(suite.daemon.address, ['-n', 'killed', 'pull', '-q', name]);
  await using client = connect(suite.daemon.address, { namespace: 'killed' });
  const halfway = async () => {
    let bytes = 0n;
    for await (const { offset } of client.services.content.statuses()) bytes += offset;
    return bytes > BigInt(LAYER_BYTES);
  };
  while (!(await halfway())) await new Promise((resolve) => setTimeout(resolve, 20));
  const follows = Promise.withResolvers<void>();
  const second = client.pull(name, {
    onProgress: ({ stage, state, bytes }) =>
      stage === 'fetch' && state === 'running' && bytes > 1_000_000n && follows.resolve(),
  });
  await follows.promise;
  const before = front.blobRequests.length;
  first.child.kill('SIGKILL');
  await once(first.child, 'close');
  front.open();
  await second;
  const later = front.blobRequests.slice(before);
  expect(later.length).toBeGreaterThan(0);
  // Whatever had come of a layer was not asked for again.
  expect(later.some(({ range }) => /^bytes=[1-9]\d{5,}-/.test(range))).toBe(true);
  const layers = 3 * LAYER_BYTES;
  expect(front.sentBytes()).toBeLessThan(layers * 1.4);
}, 60_000);
