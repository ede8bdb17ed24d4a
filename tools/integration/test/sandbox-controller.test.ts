import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { create } from '@bufbuild/protobuf';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import {
  Controller,
  type ControllerCreateRequest,
  ControllerCreateRequestSchema,
} from '@stowage/api/sandbox/v1';
import { remoteContainers } from '@stowage/containers/remote';
import { jsonBytes, TYPE_URL } from '@stowage/core';
import { remoteEvents } from '@stowage/events/remote';
import { rpcClient } from '@stowage/rpc';
import { type ClosableTransport, unixTransport } from '@stowage/rpc/transport';
import { remoteSandboxes } from '@stowage/sandboxes/remote';
import { remoteTasks } from '@stowage/tasks/remote';
import { Daemon, must, until } from '@stowage/testing';
import { type Peer, startPeer } from '../peers/start.ts';
import { withTempDir } from '../suite.ts';

// Sandboxes over the daemon's socket: by a shim that has the Sandbox service, whose containers are plain processes, and
// by a controller in another process.

const SHIM = join(import.meta.dirname, '../../../packages/runtime-shim/test/fixtures/pod-shim/shim.ts');
const scope = { namespace: 'pods' };
const suite = withTempDir('sandbox-controller');
let daemon: Daemon;
let peer: Peer;
let transport: ClosableTransport;
const told: string[] = [];
let listening = new AbortController();

const controller = () => rpcClient(Controller, transport, scope);
const tasks = () => remoteTasks(transport, scope);
const topics = () => told.filter((topic) => topic.startsWith('/sandboxes/'));

/** What is told from now on. */
function listen(): void {
  listening = new AbortController();
  const { signal } = listening;
  const hear = async () => {
    for await (const { topic } of remoteEvents(transport).subscribe([], { signal })) told.push(topic);
  };
  hear().catch((e: unknown) => {
    if (!signal.aborted) told.push(`broken: ${e}`);
  });
}

async function restart(how: NodeJS.Signals): Promise<void> {
  listening.abort();
  await daemon.stop(how);
  await daemon.start();
  listen();
}

beforeAll(async () => {
  const socket = join(suite.dir, 'sandboxer.sock');
  await mkdir(join(suite.dir, 'elsewhere'));
  peer = await startPeer('serve-sandboxer', [socket, join(suite.dir, 'elsewhere'), 'elsewhere']);
  const config = join(suite.dir, 'config.toml');
  const text = `[proxy_plugins.elsewhere]\ntype = "sandbox"\naddress = "${socket}"`;
  await writeFile(config, `version = 3\n${text}\n`);
  daemon = await Daemon.start({ dir: join(suite.dir, 'd'), config });
  transport = unixTransport(daemon.address);
  listen();
}, 60_000);
afterAll(() => listening.abort());
suite.before(async () => {
  await transport?.[Symbol.asyncDispose]();
  await daemon?.[Symbol.asyncDispose]();
  await peer?.[Symbol.asyncDispose]();
});

async function request(id: string, sandboxer: string, runtime = SHIM): Promise<ControllerCreateRequest> {
  await remoteSandboxes(transport, scope).create({
    ...{ id, labels: {}, extensions: {}, sandboxer, runtime: { name: runtime } },
    spec: jsonBytes(TYPE_URL.spec, { hostname: id }),
  });
  // As containerd 1.7's clients send it: the record is looked up.
  return create(ControllerCreateRequestSchema, { sandboxId: id, sandboxer });
}

async function member(id: string, sandboxId: string): Promise<void> {
  await remoteContainers(transport, scope).create({
    ...{ id, labels: {}, image: '', snapshotter: '', snapshotKey: '', extensions: {}, sandboxId },
    ...{ runtime: { name: 'io.containerd.runc.v2' } },
    spec: jsonBytes(TYPE_URL.spec, { process: { args: ['sleep', '100'] } }),
  });
}

const plain = { rootfs: [], stdin: '', stdout: '', stderr: '', terminal: false };

test.each(['shim', 'elsewhere'])(
  'a sandbox of %s: made, started, joined by a container, found after a SIGKILL of the daemon, ended',
  async (sandboxer) => {
    const of = { sandboxId: sandboxer, sandboxer };
    const before = topics().length;
    await controller().create(await request(sandboxer, sandboxer));
    const { pid, address, version } = await controller().start(of);
    expect(address).toMatch(/^ttrpc\+unix:\/\//);
    expect((await controller().platform(of)).platform).toMatchObject({ architecture: 'riscv64' });
    expect(await controller().status({ ...of, verbose: true })).toMatchObject({
      ...{ pid, state: 'SANDBOX_READY', address, version },
      info: { config: `{"hostname":"${sandboxer}"}` },
    });
    const container = `in-${sandboxer}`;
    await member(container, sandboxer);
    await tasks().create({ ...plain, containerId: container, taskApi: { address, version } });
    const started = await tasks().start({ containerId: container });
    expect(await readFile(`/proc/${started.pid}/cmdline`, 'utf8')).toMatch(/^sleep/);
    // A child of the sandbox's shim: no other one was started.
    expect(await readFile(`/proc/${started.pid}/status`, 'utf8')).toContain(`PPid:\t${pid}\n`);

    await restart('SIGKILL');
    expect(await controller().status(of)).toMatchObject({ pid, state: 'SANDBOX_READY' });
    expect(await tasks().get({ containerId: container })).toMatchObject({
      status: 'running',
      pid: started.pid,
    });
    await tasks().kill({ containerId: container, signal: 9 });
    await until(
      'the task to stop',
      async () => (await tasks().get({ containerId: container })).status === 'stopped',
    );
    await tasks().delete(container);
    expect(await controller().status(of)).toMatchObject({ state: 'SANDBOX_READY' });

    const ends = [controller().wait(of), controller().wait(of)];
    await controller().stop({ ...of, timeoutSecs: 1 });
    for (const end of await Promise.all(ends)) expect(end.exitStatus).toBe(7);
    await controller().shutdown(of);
    await expect(controller().shutdown(of)).rejects.toMatchObject({ kind: 'not_found' });
    await until('the shim to end', async () => !(await readdir('/proc')).includes(String(pid)));
    await until('the exit to be told', async () => topics().length >= before + 3);
    expect(topics().slice(before)).toEqual(['/sandboxes/create', '/sandboxes/start', '/sandboxes/exit']);
    await remoteContainers(transport, scope).delete(container);
    await remoteSandboxes(transport, scope).delete(sandboxer);
  },
  120_000,
);

test('a sandbox whose shim is killed is told, without anybody who waits, and leaves nothing', async () => {
  const of = { sandboxId: 'dies', sandboxer: 'shim' };
  await controller().create(await request('dies', 'shim'));
  const { pid } = await controller().start(of);
  await until('the start to be told', async () => topics().at(-1) === '/sandboxes/start');
  const before = topics().length;
  process.kill(pid, 'SIGKILL');
  await until('the exit to be told', async () => topics().length > before);
  expect(topics().slice(before)).toEqual(['/sandboxes/exit']);
  expect((await controller().wait(of)).exitStatus).toBe(255);
  expect(await controller().status(of)).toMatchObject({ state: '', exitedAt: expect.anything() });
  const bundles = join(daemon.state, 'io.containerd.sandbox.controller.v1.shim', scope.namespace);
  await until('the bundle to go', async () => (await readdir(bundles)).length === 0);
  await controller().shutdown(of);
  await remoteSandboxes(transport, scope).delete('dies');
});

test('a runtime that has no sandboxes is refused by name, and leaves nothing', async () => {
  await expect(
    controller().create(await request('runc', 'shim', 'io.containerd.runc.v2')),
  ).rejects.toMatchObject({
    kind: 'unimplemented',
    message: expect.stringContaining('"io.containerd.runc.v2" has no sandboxes: its shim'),
  });
  const bundles = join(daemon.state, 'io.containerd.sandbox.controller.v1.shim', scope.namespace);
  expect(await readdir(bundles)).toEqual([]);
  await remoteSandboxes(transport, scope).delete('runc');
});

test('a request says which sandboxer: none is invalid, an unknown one not found; also in JSON', async () => {
  const of = { sandboxId: 'p' };
  await expect(controller().start(of)).rejects.toMatchObject({ kind: 'invalid_argument' });
  await expect(controller().start({ ...of, sandboxer: 'podsandbox' })).rejects.toMatchObject({
    kind: 'not_found',
    message: expect.stringContaining('there are "shim", "elsewhere"'),
  });
  const answer = await must('curl', [
    ...['--silent', '--show-error', '--unix-socket', daemon.address],
    ...['-H', 'content-type: application/json', '-H', 'containerd-namespace: pods'],
    ...['-d', JSON.stringify({ ...of, sandboxer: 'shim' })],
    'http://stowage/containerd.services.sandbox.v1.Controller/Status',
  ]);
  expect(JSON.parse(answer)).toEqual({ sandboxId: 'p', exitedAt: expect.stringMatching(/^20/) });
});

test('while the process of a controller is away, calls say so by its socket', async () => {
  await peer.kill();
  const of = { sandboxId: 'p', sandboxer: 'elsewhere' };
  await expect(controller().start(of)).rejects.toMatchObject({
    kind: 'unavailable',
    message: expect.stringContaining('sandboxer.sock'),
  });
  expect(await controller().status({ ...of, sandboxer: 'shim' })).toMatchObject({ state: '' });
});
