import { join } from 'node:path';
import { beforeAll, expect, test } from '@jest/globals';
import { type ContentStore, type WriterOptions, writeBlob } from '@stowage/content';
import { remoteContent } from '@stowage/content/remote';
import { type SocketServer, serveContent } from '@stowage/content/serve';
import { LocalContentStore } from '@stowage/content-store';
import { type Digest, digestOf, LABEL, type Labels, type Scope } from '@stowage/core';
import { type ClosableTransport, unixTransport } from '@stowage/rpc/transport';
import {
  demoArchive,
  mustCtr,
  type Program,
  type RpcFront,
  run,
  startContainerd,
  startRegistry,
  startRpcFront,
  until,
} from '@stowage/testing';
import { withTempDir } from '../suite.ts';

// Our content store, served at a socket, in Debian's containerd instead of its own: a Go client of our service end.

const suite = withTempDir('proxied-content');
let store: LocalContentStore | undefined;
let server: SocketServer | undefined;
let front: RpcFront | undefined;
let transport: ClosableTransport | undefined;
let containerd: Program & { readonly address: string };
let registry: Program & { readonly host: string };
/** What writers were opened with. */
const opened: WriterOptions[] = [];

const c = (...args: string[]) => mustCtr(containerd.address, args);
const ctr = (args: readonly string[], input?: Uint8Array) =>
  run('ctr', ['--address', containerd.address, ...args], { ...(input && { input }) });

async function serve(): Promise<void> {
  store = await LocalContentStore.open(join(suite.dir, 'store'));
  server = await serveContent(recording(store), { socket: join(suite.dir, 'store.sock') });
}

async function stop(): Promise<void> {
  await server?.close();
  await store?.[Symbol.asyncDispose]();
}

function local(): ContentStore {
  if (store === undefined) throw new Error('nothing is served');
  return store;
}

function wire(): RpcFront {
  if (front === undefined) throw new Error('nothing is in front');
  return front;
}

function recording(to: ContentStore): ContentStore {
  return new Proxy(to, {
    get(target, method: keyof ContentStore) {
      return (...args: unknown[]) => {
        if (method === 'writer') opened.push(args[0] as WriterOptions);
        return (target[method] as (...args: unknown[]) => unknown).apply(target, args);
      };
    },
  });
}

const blobs = async () => (await Array.fromAsync(local().list(), ({ digest }) => digest)).sort();

/** Has containerd write a blob that its collector keeps. */
async function put(text: string, scope: Scope, labels: Labels = {}): Promise<{ readonly digest: Digest }> {
  const descriptor = { digest: digestOf(text), size: BigInt(text.length) };
  await writeBlob(remoteContent(peer(), scope), `put ${text}`, Buffer.from(text), descriptor, {
    labels: { ...labels, [LABEL.gcRoot]: 'now' },
  });
  return descriptor;
}

/** A run of containerd's collector. */
async function collect(): Promise<void> {
  await c('leases', 'create', '--id', 'for-gc');
  await c('leases', 'delete', '--sync', 'for-gc');
}

function peer(): ClosableTransport {
  if (transport === undefined) throw new Error('containerd is not up');
  return transport;
}

beforeAll(async () => {
  await serve();
  front = await startRpcFront(join(suite.dir, 'front.sock'), join(suite.dir, 'store.sock'));
  containerd = await startContainerd(
    join(suite.dir, 'containerd'),
    [`[proxy_plugins.stowage]\ntype = "content"\naddress = "${front.path}"`],
    ['io.containerd.content.v1.content'],
  );
  transport = unixTransport(containerd.address);
  registry = await startRegistry(join(suite.dir, 'registry'));
}, 60_000);

// Before the census.
suite.before(async () => {
  await transport?.[Symbol.asyncDispose]();
  await containerd?.[Symbol.asyncDispose]();
  await registry?.[Symbol.asyncDispose]();
  await front?.[Symbol.asyncDispose]();
  await stop();
});

test('it is the content plugin of containerd’s', async () => {
  const listed = await c('plugins', 'ls');
  expect(listed).toMatch(/content\.v1\s+stowage\s+\S+\s+ok/);
  expect(listed).not.toMatch(/content\.v1\s+content\s/);
});

test('an image is imported into it, pushed and pulled from it, and runs', async () => {
  const image = `${registry.host}/demo:1`;
  await c('images', 'import', await demoArchive(join(suite.dir, 'image'), image));
  const all = await blobs();
  expect(all.length).toBeGreaterThanOrEqual(3);
  expect((await c('content', 'ls', '-q')).trim().split('\n').sort()).toEqual(all);
  await c('images', 'push', '--plain-http', image);

  await c('images', 'rm', '--sync', image);
  await until('everything to be collected', async () => (await blobs()).length === 0);
  opened.length = 0;
  await c('images', 'pull', '--plain-http', image);
  const pulled = await blobs();
  // Not the archive's own index.
  expect(pulled.length).toBeGreaterThanOrEqual(3);
  expect(all).toEqual(expect.arrayContaining(pulled));
  expect(await c('run', '--rm', image, 'first', '/bin/sh', '-c', 'echo hello')).toBe('hello\n');
  // As the metadata has them: by namespace and number, and what is expected only at the commit.
  expect(opened.map(({ ref }) => ref)).toEqual(
    expect.arrayContaining([expect.stringMatching(new RegExp(`^${suite.namespace}/\\d+/layer-sha256:`))]),
  );
  expect(opened.filter(({ expected }) => expected !== undefined)).toEqual([]);
}, 120_000);

test('this containerd sends neither namespace nor lease on: both are its own to keep', async () => {
  // Pulls and imports of ctr's are in a namespace and under a lease. Later ones do send the namespace.
  const { calls } = wire();
  expect(calls.map(({ method }) => method)).toEqual(
    expect.arrayContaining(['Write', 'Read', 'Info', 'List', 'Delete']),
  );
  for (const { headers } of calls) {
    expect(headers['containerd-namespace']).toBeUndefined();
    expect(headers['containerd-lease']).toBeUndefined();
  }

  const { digest } = await put('of blue', { namespace: 'blue' });
  expect(opened.at(-1)?.ref).toMatch(/^blue\/\d+\/put of blue$/);
  expect(await c('-n', 'blue', 'content', 'get', digest)).toBe('of blue');
  expect((await ctr(['content', 'get', digest])).stderr).toContain('not found');
});

test('labels stay with containerd; what is removed goes with its collector', async () => {
  const { digest } = await put('of a label', { namespace: suite.namespace }, { mine: 'yes' });
  await c('content', 'label', digest, 'other=too');
  const line = (await c('content', 'ls')).split('\n').find((one) => one.startsWith(digest));
  expect(line).toMatch(/mine=yes/);
  expect(line).toMatch(/other=too/);
  expect(await Array.fromAsync(local().list([`digest==${digest}`]))).toMatchObject([{ labels: {} }]);
  expect(wire().of('Update')).toEqual([]);
  await c('content', 'rm', digest);
  await collect();
  await until('the blob to be gone', async () => !(await blobs()).some((blob) => blob === digest));
});

test('a lease of containerd’s keeps a blob that nothing names, and lets it go', async () => {
  const id = (await c('leases', 'create')).trim();
  const lone = Buffer.from('leased');
  await writeBlob(remoteContent(peer(), { namespace: suite.namespace, lease: id }), 'leased', lone, {
    digest: digestOf(lone),
    size: 6n,
  });
  await collect();
  expect(await blobs()).toContain(digestOf(lone));
  await c('leases', 'delete', '--sync', id);
  await until('the blob to be gone', async () => !(await blobs()).includes(digestOf(lone)));
});

test('codes are what containerd makes of its own store', async () => {
  const fails = async (args: readonly string[], input?: Uint8Array) => {
    const { code, stderr } = await ctr(args, input);
    expect(code).not.toBe(0);
    return stderr;
  };
  const bytes = Buffer.from('codes');
  const other = digestOf('other');
  expect(await fails(['content', 'get', other])).toContain('not found');
  const wrong = ['content', 'ingest', '--expected-digest', other, 'wrong'];
  expect(await fails(wrong, bytes)).toMatch(/failed precondition|unexpected commit digest/);
  const short = ['content', 'ingest', '--expected-size', '4', 'short'];
  expect(await fails(short, bytes)).toMatch(/failed precondition|unexpected commit size/);
  // Both stay to be resumed, with containerd and below.
  const refs = await Array.fromAsync(local().statuses(), ({ ref }) => ref);
  expect(refs.sort()).toEqual([expect.stringMatching(/\/short$/), expect.stringMatching(/\/wrong$/)]);
  const content = remoteContent(peer(), { namespace: suite.namespace });
  for (const ref of ['short', 'wrong']) await content.abort(ref);
});

test('it may end and come back while containerd goes on; what was there is', async () => {
  const { digest } = await put('stays', { namespace: suite.namespace });
  await stop();
  expect((await ctr(['content', 'get', digest])).code).not.toBe(0);
  await serve();
  // Its client backs off for up to three seconds before it tries again.
  await until('containerd to reach it again', async () => {
    return (await ctr(['content', 'get', digest])).stdout === 'stays';
  });
  expect(await c('run', '--rm', `${registry.host}/demo:1`, 'after', '/bin/sh', '-c', 'echo on')).toBe('on\n');
}, 60_000);

test('a connection that is cut in the midst of a pull costs nothing but another try', async () => {
  const image = `${registry.host}/demo:1`;
  await c('images', 'rm', '--sync', image);
  await until('the image to be collected', async () => (await blobs()).length < 3);
  let cuts = 0;
  wire().onCall = (method, cut) => {
    if (method !== 'Write' || cuts >= 3) return;
    cuts++;
    cut();
  };
  // What is unavailable, containerd's client of content tries again.
  await c('images', 'pull', '--plain-http', image);
  expect(cuts).toBe(3);
  expect(await Array.fromAsync(local().statuses())).toEqual([]);
  expect(await c('run', '--rm', image, 'again', '/bin/sh', '-c', 'echo whole')).toBe('whole\n');
}, 60_000);
