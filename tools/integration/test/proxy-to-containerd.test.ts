import { createWriteStream } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { beforeAll, expect, test } from '@jest/globals';
import { readBlob, writeBlob } from '@stowage/content';
import { remoteContent } from '@stowage/content/remote';
import { LocalContentStore } from '@stowage/content-store';
import { digestOf, hostPlatform, LABEL, type Mount } from '@stowage/core';
import { remoteDiffer } from '@stowage/diff/remote';
import { buildImage, writeArchive } from '@stowage/oci-image';
import { type ClosableTransport, unixTransport } from '@stowage/rpc/transport';
import { remoteSnapshotter } from '@stowage/snapshots/remote';
import {
  BUSYBOX,
  Daemon,
  mustCtr,
  type Program,
  type RpcFront,
  startContainerd,
  startRpcFront,
} from '@stowage/testing';
import { withTempDir } from '../suite.ts';

// Our daemon over the content and the differ of Debian's containerd: a Go server of content.v1 and diff.v1. Both, because a
// differ takes layers from the store beside it.

const IMAGE = 'example.org/two-layers:1';
const suite = withTempDir('to-containerd');
let containerd: (Program & { readonly address: string }) | undefined;
let front: RpcFront | undefined;
let daemon: Daemon | undefined;
let transport: ClosableTransport | undefined;
let theirs: ClosableTransport | undefined;

const c = (...args: string[]) => mustCtr(daemon?.address ?? '', args);
const over = (to: ClosableTransport | undefined): ClosableTransport => {
  if (to === undefined) throw new Error('nothing is up');
  return to;
};

function wire(): RpcFront {
  if (front === undefined) throw new Error('nothing is in front');
  return front;
}

/** An image whose second layer adds, changes and removes what is in the first. */
async function archive(): Promise<string> {
  const dir = join(suite.dir, 'image');
  await mkdir(dir);
  await using content = await LocalContentStore.open(join(dir, 'content'));
  const target = await buildImage(content, {
    platform: hostPlatform(),
    layers: [
      [
        { path: 'bin/busybox', source: BUSYBOX, mode: 0o755 },
        ...['sh', 'cat', 'ls', 'echo', 'touch'].map((name) => ({ path: `bin/${name}`, link: 'busybox' })),
        { path: 'etc/first', data: 'first\n', mode: 0o644 },
        { path: 'etc/gone', data: 'gone\n', mode: 0o644 },
      ],
      [
        { path: 'etc/first', data: 'changed\n', mode: 0o644 },
        { path: 'etc/second', data: 'second\n', mode: 0o644 },
        { path: 'etc/.wh.gone', data: '', mode: 0o644 },
      ],
    ],
    config: { Env: ['PATH=/bin'], Cmd: ['/bin/sh'], WorkingDir: '/' },
  });
  const file = join(dir, 'image.tar');
  await pipeline(writeArchive(content, [{ name: IMAGE, target }]), createWriteStream(file));
  return file;
}

/** A run of containerd's own collector, which must find nothing of ours to take. */
async function collectThere(): Promise<void> {
  const address = containerd?.address ?? '';
  await mustCtr(address, ['leases', 'create', '--id', 'for-gc']);
  await mustCtr(address, ['leases', 'delete', '--sync', 'for-gc']);
}

beforeAll(async () => {
  containerd = await startContainerd(join(suite.dir, 'containerd'));
  theirs = unixTransport(containerd.address);
  front = await startRpcFront(join(suite.dir, 'front.sock'), containerd.address);
  const config = join(suite.dir, 'config.toml');
  const text = [
    `[proxy_plugins.blobs]\ntype = "content"\naddress = "${front.path}"`,
    `[proxy_plugins.layers]\ntype = "diff"\naddress = "${front.path}"`,
    "[plugins.'io.containerd.service.v1.diff-service']\ndefault = ['layers']",
  ];
  await writeFile(config, `version = 3\n${text.join('\n')}\n`);
  daemon = await Daemon.start({ dir: join(suite.dir, 'd'), config });
  transport = unixTransport(daemon.address);
}, 60_000);

suite.before(async () => {
  await transport?.[Symbol.asyncDispose]();
  await theirs?.[Symbol.asyncDispose]();
  await daemon?.[Symbol.asyncDispose]();
  await front?.[Symbol.asyncDispose]();
  await containerd?.[Symbol.asyncDispose]();
});

test('an image is imported into containerd’s content, unpacked by its differ, and runs here', async () => {
  await c('images', 'import', await archive());
  await collectThere();
  const ours = (await c('content', 'ls', '-q')).trim().split('\n');
  expect(ours.length).toBeGreaterThanOrEqual(4);
  const there = await Array.fromAsync(
    remoteContent(over(theirs), { namespace: suite.namespace }).list(),
    ({ digest }) => digest as string,
  );
  expect(there).toEqual(expect.arrayContaining(ours));
  expect(wire().of('Apply')).toHaveLength(2);
  const script = 'cat etc/first etc/second; ls etc; echo > /written && ls /written';
  expect(await c('run', '--rm', IMAGE, 'first', '/bin/sh', '-c', script)).toBe(
    'changed\nsecond\nfirst\nsecond\n/written\n',
  );
}, 60_000);

test('on the wire: the namespace with every call of a client’s, a lease with the differ’s alone', async () => {
  const seen = (method: string, header: string) => [
    ...new Set(
      wire()
        .of(method)
        .map(({ headers }) => headers[header] as string | undefined),
    ),
  ];
  for (const method of ['Write', 'Read', 'Info', 'Apply'])
    expect(seen(method, 'containerd-namespace')).toEqual([suite.namespace]);
  for (const method of ['Write', 'Read', 'Info'])
    expect(seen(method, 'containerd-lease')).toEqual([undefined]);
});

test('labels stay here, but for the one that keeps blobs from containerd’s collector; codes are its own', async () => {
  const content = remoteContent(over(transport), { namespace: suite.namespace });
  const bytes = Buffer.from('labelled');
  const descriptor = { digest: digestOf(bytes), size: BigInt(bytes.length) };
  await writeBlob(content, 'ref', bytes, descriptor, { labels: { [LABEL.gcRoot]: 'now', mine: 'yes' } });
  expect((await content.info(descriptor.digest)).labels).toMatchObject({ mine: 'yes' });
  const beside = remoteContent(over(theirs), { namespace: suite.namespace });
  expect(await beside.info(descriptor.digest)).toMatchObject({
    sizeBytes: descriptor.size,
    labels: { [LABEL.gcRoot]: expect.stringMatching(/^\d{4}-/) },
  });
  expect(Object.keys((await beside.info(descriptor.digest)).labels)).toEqual([LABEL.gcRoot]);
  expect(Buffer.from(await readBlob(content, descriptor)).toString()).toBe('labelled');

  const wrong = await content.writer({ ref: 'wrong', expected: digestOf('other') });
  await wrong.write(bytes);
  await expect(wrong.commit()).rejects.toMatchObject({ kind: 'failed_precondition' });
  await content.abort('wrong');
  await expect(content.status('wrong')).rejects.toMatchObject({ kind: 'not_found' });
});

test('namespaces that containerd keeps apart each bring their bytes; what is removed here, is removed there', async () => {
  const bytes = Buffer.from('of two');
  const descriptor = { digest: digestOf(bytes), size: BigInt(bytes.length) };
  const has = async (namespace: string) => {
    const there = remoteContent(over(theirs), { namespace });
    return (await Array.fromAsync(there.list([`digest==${descriptor.digest}`]))).length === 1;
  };
  for (const namespace of ['green', 'yellow']) {
    const content = remoteContent(over(transport), { namespace });
    await writeBlob(content, 'ref', bytes, descriptor, { labels: { [LABEL.gcRoot]: 'now' } });
    expect(Buffer.from(await readBlob(content, descriptor))).toEqual(bytes);
    expect(await has(namespace)).toBe(true);
  }
  await c('-n', 'yellow', 'content', 'rm', descriptor.digest);
  await c('-n', 'green', 'content', 'rm', descriptor.digest);
  // At the latest, what is the last of a digest here goes there by our collector; no warning is left of it.
  await c('-n', 'green', 'leases', 'create', '--id', 'for-gc');
  await c('-n', 'green', 'leases', 'delete', '--sync', 'for-gc');
  expect(await has('green')).toBe(false);
  expect(daemon?.log.filter((line) => line.includes('could not delete garbage'))).toEqual([]);
});

test('containerd makes a layer of our snapshots; whoever knows its digest has it here without its bytes', async () => {
  const overlay = remoteSnapshotter(over(transport), 'overlayfs', { namespace: suite.namespace });
  const tops = await Array.fromAsync(overlay.list(['kind==committed']));
  const below = new Set(tops.map(({ parent }) => parent));
  const top = tops.find(({ name }) => !below.has(name))?.name ?? '';
  await c('run', IMAGE, 'changes', '/bin/sh', '-c', 'echo added > /added');
  const upper: readonly Mount[] = await overlay.mounts('changes');
  const lower: readonly Mount[] = await overlay.view('below', top, {
    labels: { [LABEL.gcRoot]: 'now' },
  });
  // A lease of ours is none of its.
  const lease = (await c('leases', 'create')).trim();
  const leased = remoteDiffer(over(transport), { namespace: suite.namespace, lease });
  await expect(leased.diff(lower, upper)).rejects.toMatchObject({
    kind: 'not_found',
    message: expect.stringMatching(/lease/),
  });
  await c('leases', 'delete', lease);
  const layer = await remoteDiffer(over(transport), { namespace: suite.namespace }).diff(lower, upper, {
    labels: { [LABEL.gcRoot]: 'now' },
  });
  expect(await remoteContent(over(theirs), { namespace: suite.namespace }).info(layer.digest)).toMatchObject({
    sizeBytes: layer.size,
    labels: { [LABEL.uncompressed]: expect.stringMatching(/^sha256:/) },
  });
  const content = remoteContent(over(transport), { namespace: suite.namespace });
  await expect(content.info(layer.digest)).rejects.toMatchObject({ kind: 'not_found' });
  await using writer = await content.writer({ ref: 'layer', expected: layer.digest, total: layer.size });
  expect((await writer.status()).offset).toBe(layer.size);
  await writer.commit({ labels: { [LABEL.gcRoot]: 'now' } });
  expect(digestOf(await readBlob(content, layer))).toBe(layer.digest);
  await c('containers', 'rm', 'changes');
  await overlay.remove('below');
}, 60_000);
