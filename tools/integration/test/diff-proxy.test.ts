import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, expect, test } from '@jest/globals';
import { remoteContent } from '@stowage/content/remote';
import { LABEL, parseDigest } from '@stowage/core';
import { remoteDiffer } from '@stowage/diff/remote';
import { unixTransport } from '@stowage/rpc/transport';
import { remoteSnapshotter } from '@stowage/snapshots/remote';
import { ctr, Daemon, demoArchive, must, mustCtr, type RpcFront, run, startRpcFront } from '@stowage/testing';
import { type Peer, startPeer } from '../peers/start.ts';
import { withTempDir } from '../suite.ts';

// Our daemon over a differ of ours in another process, which works on the daemon's content and is killed in the midst.

const IMAGE = 'example.org/demo:1';
const suite = withTempDir('diff-proxy');
let archive: string;
let peer: Peer | undefined;
let front: RpcFront | undefined;
let daemon: Daemon | undefined;

const at = () => daemon?.address ?? '';
const c = (...args: string[]) => mustCtr(at(), args);

async function serve(): Promise<void> {
  const socket = join(suite.dir, 'differ.sock');
  peer = await startPeer('serve-differ', [socket, join(suite.dir, 'differ'), at()]);
}

function wire(): RpcFront {
  if (front === undefined) throw new Error('nothing is in front');
  return front;
}

const committed = async () =>
  (await c('snapshots', 'ls')).split('\n').filter((line) => /Committed/.test(line));

beforeAll(async () => {
  front = await startRpcFront(join(suite.dir, 'front.sock'), join(suite.dir, 'differ.sock'));
  const config = join(suite.dir, 'config.toml');
  const text = [
    `[proxy_plugins.elsewhere]\ntype = "diff"\naddress = "${front.path}"`,
    "[plugins.'io.containerd.service.v1.diff-service']\ndefault = ['elsewhere', 'walking']",
  ];
  await writeFile(config, `version = 3\n${text.join('\n')}\n`);
  await mkdir(join(suite.dir, 'differ'));
  archive = await demoArchive(join(suite.dir, 'image'), IMAGE);
  daemon = await Daemon.start({ dir: join(suite.dir, 'd'), config });
}, 60_000);

suite.before(async () => {
  await peer?.[Symbol.asyncDispose]();
  await daemon?.[Symbol.asyncDispose]();
  await front?.[Symbol.asyncDispose]();
});

test('while it is away an import says so by the socket, and leaves nothing unpacked', async () => {
  const failed = await ctr(at(), ['images', 'import', archive]);
  expect(failed.code).not.toBe(0);
  expect(failed.stderr).toContain(join(suite.dir, 'front.sock'));
  expect(await committed()).toEqual([]);
});

test('it dies while a layer is unpacked: unavailable, nothing unpacked', async () => {
  await serve();
  wire().onCall = (method) => {
    if (method === 'Apply') peer?.freeze();
  };
  const before = wire().of('Apply').length;
  const importing = ctr(at(), ['images', 'import', archive]);
  while (wire().of('Apply').length === before) await new Promise((resolve) => setTimeout(resolve, 20));
  await new Promise((resolve) => setTimeout(resolve, 300));
  await peer?.kill();
  const failed = await importing;
  expect(failed.code).not.toBe(0);
  expect(failed.stderr).toMatch(/call to \S+front\.sock: .*unavailable/);
  expect(await committed()).toEqual([]);
  wire().onCall = () => undefined;
}, 60_000);

test('it is back: the image is unpacked by it, in the caller’s namespace, and runs', async () => {
  await serve();
  const before = wire().of('Apply').length;
  await c('-n', 'blue', 'images', 'import', archive);
  const applies = wire().of('Apply').slice(before);
  expect(applies.length).toBeGreaterThan(0);
  for (const { headers } of applies) expect(headers['containerd-namespace']).toBe('blue');
  const script = 'echo hello > /tmp/f && cat /tmp/f';
  expect(await c('-n', 'blue', 'run', '--rm', IMAGE, 'first', '/bin/sh', '-c', script)).toBe('hello\n');
}, 60_000);

test('it makes layers of snapshots; the lease of the caller keeps them', async () => {
  await c('images', 'import', archive);
  const [parent = ''] = (await committed()).map((line) => line.split(/\s+/)[0]);
  const target = join(suite.dir, 'mnt');
  await mkdir(target);
  await c('snapshots', 'prepare', 'work', parent);
  await must('sh', ['-c', await c('snapshots', 'mounts', target, 'work')]);
  await must('sh', ['-c', `echo new > ${target}/new && rm ${target}/etc/group && umount ${target}`]);

  const file = join(suite.dir, 'layer.tar.gz');
  await must('sh', ['-c', 'ctr --address "$1" snapshots diff work > "$2"', 'sh', at(), file]);
  const names = (await must('tar', ['-tzf', file])).trim().split('\n').sort();
  expect(names.filter((name) => !name.endsWith('/'))).toEqual(['etc/.wh.group', 'new']);
  // ctr has a lease for this.
  expect(wire().of('Diff').at(-1)?.headers).toMatchObject({
    'containerd-namespace': suite.namespace,
    'containerd-lease': expect.stringMatching(/./),
  });

  await using transport = unixTransport(at());
  const lease = (await c('leases', 'create')).trim();
  const scope = { namespace: suite.namespace, lease };
  const overlay = remoteSnapshotter(transport, 'overlayfs', scope);
  const lower = await overlay.view('below', parent);
  const layer = await remoteDiffer(transport, scope).diff(lower, await overlay.mounts('work'));
  const collect = async () => {
    await c('leases', 'create', '--id', 'for-gc');
    await c('leases', 'delete', '--sync', 'for-gc');
  };
  await collect();
  const content = remoteContent(transport, { namespace: suite.namespace });
  expect((await content.info(layer.digest)).labels[LABEL.uncompressed]).toMatch(/^sha256:/);
  await c('leases', 'delete', '--sync', lease);
  await expect(content.info(layer.digest)).rejects.toMatchObject({ kind: 'not_found' });
  await c('snapshots', 'rm', 'work');
}, 60_000);

test('what it does not know, it refuses as unimplemented, so that the next differ is asked', async () => {
  await using transport = unixTransport(at());
  const differ = remoteDiffer(transport, { namespace: suite.namespace });
  const layer = {
    mediaType: 'application/x-not-a-layer',
    digest: parseDigest(`sha256:${'1'.repeat(64)}`),
    size: 1n,
  };
  const before = wire().of('Apply').length;
  await expect(differ.apply(layer, [])).rejects.toMatchObject({ kind: 'unimplemented' });
  expect(wire().of('Apply')).toHaveLength(before + 1);
});

// Debian's containerd as the consumer: it knows no such proxies.
test('containerd 1.6 does not start with a proxy of type diff', async () => {
  const dir = join(suite.dir, 'containerd');
  await mkdir(dir);
  const config = join(dir, 'config.toml');
  const text = [
    `version = 2\nroot = "${dir}/root"\nstate = "${dir}/state"`,
    `[grpc]\naddress = "${dir}/c.sock"`,
    `[ttrpc]\naddress = "${dir}/c.sock.ttrpc"`,
    `[proxy_plugins.stowage]\ntype = "diff"\naddress = "${wire().path}"`,
  ];
  await writeFile(config, `${text.join('\n')}\n`);
  const version = await must('containerd', ['--version']);
  if (!/ v?1\.6\./.test(version))
    throw new Error(`this containerd is another, put our differ under it: ${version}`);
  const { code, stderr } = await run('containerd', ['--config', config]);
  expect(code).not.toBe(0);
  expect(stderr).toMatch(/unknown proxy plugin type.*type=diff[\s\S]*panic: plugin: no type/);
});
