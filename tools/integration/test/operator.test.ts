import { once } from 'node:events';
import { readFile, stat, writeFile } from 'node:fs/promises';
import { type IncomingMessage, request } from 'node:http';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { beforeAll, expect, test } from '@jest/globals';
import { Snapshots } from '@stowage/api/snapshots/v1';
import { Version } from '@stowage/api/version/v1';
import { rpcClient } from '@stowage/rpc';
import { listen, type RpcServer } from '@stowage/rpc/server';
import { unixTransport } from '@stowage/rpc/transport';
import { snapshotRoutes } from '@stowage/snapshots/service';
import { NativeSnapshotter } from '@stowage/snapshotter-native';
import { ctr, Daemon, demoArchive, mustCtr, NotifySocket, parseExposition, until } from '@stowage/testing';
import { LocalTracer, observeCalls, otlpExporter, traceCalls } from '@stowage/tracing';
import { startCollector } from '../../../packages/tracing/test/collector.ts';
import { withTempDir } from '../suite.ts';

const suite = withTempDir('operator');
const IMAGE = 'example.com/demo:1';

let daemon: Daemon;
let notified: NotifySocket;
let collector: Awaited<ReturnType<typeof startCollector>>;
let plugin: RpcServer;
let snapshotter: NativeSnapshotter;
const exporters: AsyncDisposable[] = [];
const socket = (name: string) => join(suite.dir, name);
const c = (...args: string[]) => mustCtr(daemon.address, args);

/** A tracer of a process of its own. */
function tracerOf(name: string): LocalTracer {
  const exporter = otlpExporter({ endpoint: collector.endpoint, resource: { 'service.name': name } });
  exporters.push(exporter);
  return new LocalTracer({ onEnd: (span) => exporter.add(span) });
}

async function ask(socketPath: string, path: string, method = 'GET', body = '') {
  const asked = request({ socketPath, path, method });
  asked.end(body);
  const [response] = (await once(asked, 'response')) as [IncomingMessage];
  return (await Array.fromAsync(response.setEncoding('utf8'))).join('');
}

const debug = async (path: string, method?: string, body?: string) =>
  JSON.parse(await ask(socket('debug.sock'), path, method, body)) as Record<string, never>;
const scrape = async () => parseExposition(await ask(socket('metrics.sock'), '/metrics'));

beforeAll(async () => {
  collector = await startCollector();
  notified = await NotifySocket.open(socket('notify.sock'));
  snapshotter = await NativeSnapshotter.open(socket('far'));
  plugin = await listen({
    address: { path: socket('far.sock') },
    routes: [snapshotRoutes({ names: ['far'], snapshotter: () => snapshotter })],
    observer: observeCalls(tracerOf('plugin')),
  });
  const config = socket('config.toml');
  await writeFile(
    config,
    `version = 3
[metrics]
address = "${socket('metrics.sock')}"
[debug]
address = "${socket('debug.sock')}"
[proxy_plugins.far]
type = "snapshot"
address = "${socket('far.sock')}"
[plugins."io.containerd.tracing.processor.v1.otlp"]
endpoint = "${collector.endpoint.href}"
`,
  );
  daemon = await Daemon.start({ dir: suite.dir, config, env: { NOTIFY_SOCKET: notified.path } });
  await c('images', 'import', await demoArchive(socket('image'), IMAGE));
});

suite.before(async () => {
  await daemon?.[Symbol.asyncDispose]();
  await plugin?.close();
  await snapshotter?.[Symbol.asyncDispose]();
  for (const exporter of exporters) await exporter[Symbol.asyncDispose]();
  await notified?.[Symbol.asyncDispose]();
  await collector?.[Symbol.asyncDispose]();
});

test('the service manager is told when the daemon serves', async () => {
  await until('READY', () => notified.messages.length > 0);
  expect(notified.messages).toEqual([`READY=1\nSTATUS=serving on ${daemon.address}\n`]);
});

test('a scrape tells calls, content, snapshots, tasks and what a container uses', async () => {
  const id = 'figures';
  await c('run', '-d', IMAGE, id, 'sleep', '1000');
  try {
    // Whom the daemon starts must not speak for it.
    const supervisors = await daemon.supervisors();
    expect(supervisors).toHaveLength(1);
    for (const pid of supervisors)
      expect(await readFile(`/proc/${pid}/environ`, 'utf8')).not.toContain('NOTIFY_SOCKET');
    await ctr(daemon.address, ['images', 'rm', 'absent']);
    await c('version');
    // What was collected before may be a second old, or twenty times as old as it took.
    await until(
      'the container to be counted',
      async () => (await scrape()).value('container_pids_current') === 1,
    );
    const { value, types } = await scrape();
    const version = { grpc_service: 'containerd.services.version.v1.Version', grpc_method: 'Version' };
    expect(value('grpc_server_handled_total', { ...version, grpc_code: 'OK', grpc_type: 'unary' })).toBe(1);
    expect(value('grpc_server_handling_seconds_count', version)).toBe(1);
    expect(value('grpc_server_handling_seconds_bucket', { ...version, le: '+Inf' })).toBe(1);
    expect(value('grpc_server_handled_total', { grpc_method: 'Delete', grpc_code: 'NotFound' })).toBe(1);
    expect(value('stowage_content_blobs')).toBe(4);
    expect(value('stowage_content_bytes')).toBeGreaterThan(100_000);
    expect(value('stowage_snapshots', { snapshotter: 'overlayfs', kind: 'committed' })).toBe(1);
    expect(value('stowage_snapshots', { snapshotter: 'overlayfs', kind: 'active' })).toBe(1);
    expect(value('stowage_snapshots', { snapshotter: 'far', kind: 'active' })).toBe(0);
    expect(value('stowage_tasks', { namespace: suite.namespace, status: 'running' })).toBe(1);
    const container = { container_id: id, namespace: suite.namespace };
    expect(value('container_memory_usage_usage_bytes', container)).toBeGreaterThan(4096);
    expect(value('container_cpu_total_nanoseconds', container)).toBeGreaterThan(0);
    expect(value('stowage_supervisor_resident_memory_bytes')).toBeGreaterThan(1e7);
    expect(value('process_resident_memory_bytes')).toBeGreaterThan(1e7);
    expect(value('nodejs_eventloop_utilization')).toBeGreaterThan(0);
    expect(value('stowage_connections')).toBeGreaterThanOrEqual(0);
    expect(types.get('container_memory_usage_usage_bytes')).toBe('gauge');
    for (const one of (await scrape()).series.filter(
      ({ name }) => name === 'stowage_scrape_collector_success',
    ))
      expect(one).toMatchObject({ value: 1 });
  } finally {
    await c('tasks', 'rm', '-f', id);
    await c('containers', 'rm', id);
  }
});

test('garbage collections are counted', async () => {
  const count = async () =>
    (await scrape()).value('containerd_gc_collections_total', { status: 'success' }) ?? 0;
  await until('a collection', async () => (await count()) > 0);
  const { value } = await scrape();
  expect(value('containerd_gc_gc_seconds_count')).toBe(
    (value('containerd_gc_collections_total', { status: 'success' }) ?? 0) +
      (value('containerd_gc_collections_total', { status: 'fail' }) ?? 0),
  );
});

test('one trace leads from a client through the daemon to a plugin', async () => {
  const tracer = tracerOf('client');
  await using transport = unixTransport(daemon.address, { interceptors: [traceCalls(tracer)] });
  const root = tracer.start('work', { kind: 'internal' });
  const snapshots = rpcClient(Snapshots, transport, { namespace: suite.namespace });
  await root.run(() => snapshots.prepare({ snapshotter: 'far', key: 'traced' }));
  root.end();
  await snapshots.remove({ snapshotter: 'far', key: 'traced' });
  const mine = () => collector.spans.filter(({ traceId }) => traceId === root.context.traceId);
  await until('all spans', () => mine().length === 5, 30_000);
  const name = 'containerd.services.snapshots.v1.Snapshots/Prepare';
  const chain: string[] = [];
  let at = mine().find(({ parentSpanId }) => parentSpanId === undefined);
  while (at !== undefined) {
    const { spanId } = at;
    chain.push(`${at.name} ${at.kind}`);
    at = mine().find(({ parentSpanId }) => parentSpanId === spanId);
  }
  expect(chain).toEqual(['work 1', `${name} 3`, `${name} 2`, `${name} 3`, `${name} 2`]);
});

test('root can look into the daemon while it serves', async () => {
  expect((await stat(socket('debug.sock'))).mode & 0o777).toBe(0o600);
  await using transport = unixTransport(daemon.address);
  const version = rpcClient(Version, transport);
  await version.version({});
  expect(await debug('/debug/vars')).toMatchObject({ pid: daemon.pid, connections: 1, operations: [] });
  const profiling = debug('/debug/cpu?seconds=1');
  let isOver = false;
  void profiling.then(() => {
    isOver = true;
  });
  while (!isOver) await version.version({});
  const { nodes } = (await profiling) as unknown as {
    nodes: Array<{ hitCount: number; callFrame: { url: string } }>;
  };
  const ours = nodes.filter(
    ({ hitCount, callFrame }) => hitCount > 0 && callFrame.url.includes('stowaged.js'),
  );
  expect(ours.length).toBeGreaterThan(0);
  const { snapshot } = (await debug('/debug/heap')) as unknown as { snapshot: { node_count: number } };
  expect(snapshot.node_count).toBeGreaterThan(10_000);
  await version.version({});
});

test('how much is logged changes while the daemon runs, by the socket and by SIGUSR1', async () => {
  const logged = () => daemon.log.filter((line) => line.includes('the log level is changed')).length;
  expect(await debug('/debug/log-level')).toEqual({ level: 'debug' });
  expect(await debug('/debug/log-level', 'PUT', 'warn')).toEqual({ level: 'warn' });
  process.kill(daemon.pid, 'SIGUSR1');
  await until('SIGUSR1 to be heard', () => logged() === 2);
  expect(await debug('/debug/log-level')).toEqual({ level: 'debug' });
  process.kill(daemon.pid, 'SIGUSR1');
  await until('SIGUSR1 to be heard again', () => logged() === 3);
  expect(await debug('/debug/log-level')).toEqual({ level: 'warn' });
  // Node would have opened its debugger.
  expect(daemon.log.join('\n')).not.toContain('Debugger listening');
});

test('stopping is told, ends scrapes, and leaves no socket behind', async () => {
  const seen = notified.messages.length;
  await daemon.stop();
  await until('STOPPING', () => notified.messages.length > seen);
  expect(notified.messages.at(-1)).toMatch(/^STOPPING=1\n/);
  await delay(50);
  for (const name of ['metrics.sock', 'debug.sock'])
    await expect(stat(socket(name))).rejects.toMatchObject({ code: 'ENOENT' });
  await daemon.start();
});

test('an address that others could reach is refused before anything starts', async () => {
  const result = await daemon.command(
    ...['--root', socket('other'), '--state', socket('other-state'), '--metrics-address', '0.0.0.0:1338'],
  );
  expect(result.code).toBe(78);
  expect(result.stderr).toContain('allow_remote');
});
