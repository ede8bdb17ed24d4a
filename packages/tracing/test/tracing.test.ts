import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { Health, HealthCheckResponse_ServingStatus as Status } from '@stowage/api/health/v1';
import { Version } from '@stowage/api/version/v1';
import { Fault } from '@stowage/core';
import { type Routes, rpcClient, serviceRoutes } from '@stowage/rpc';
import { listen } from '@stowage/rpc/server';
import { unixTransport } from '@stowage/rpc/transport';
import { tempDir } from '@stowage/testing';
import {
  formatTraceparent,
  LocalTracer,
  observeCalls,
  otlpExporter,
  parseTraceparent,
  traceCalls,
} from '../src/index.ts';
import { type ReceivedSpan, startCollector } from './collector.ts';

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const SPAN = 'b7ad6b7169203331';

test('a header is read as it is written', () => {
  const context = { traceId: TRACE, spanId: SPAN, sampled: true };
  expect(parseTraceparent(formatTraceparent(context))).toEqual(context);
  expect(parseTraceparent(`00-${TRACE}-${SPAN}-00`)).toEqual({ ...context, sampled: false });
  expect(parseTraceparent(`01-${TRACE}-${SPAN}-03-more`)).toEqual(context);
});

test.each([
  null,
  '',
  'x',
  `00-${TRACE}-${SPAN}`,
  `00-${TRACE}-${SPAN}-01-more`,
  `ff-${TRACE}-${SPAN}-01`,
  `00-${'0'.repeat(32)}-${SPAN}-01`,
  `00-${TRACE}-${'0'.repeat(16)}-01`,
  `00-${TRACE.toUpperCase()}-${SPAN}-01`,
])('%s is no header of a trace', (header) => {
  expect(parseTraceparent(header)).toBeUndefined();
});

/** A process: what it serves, and how it calls others, with a tracer of its own that all exports. */
async function stage(name: string, endpoint: URL, routes: (call: ReturnType<typeof traceCalls>) => Routes[]) {
  const dir = await tempDir(`tracing-${name}`);
  const exporter = otlpExporter({ endpoint, resource: { 'service.name': name } });
  const tracer = new LocalTracer({ onEnd: (span) => exporter.add(span) });
  const path = join(dir.path, 's.sock');
  const server = await listen({
    address: { path },
    routes: routes(traceCalls(tracer)),
    observer: observeCalls(tracer),
  });
  return {
    path,
    async [Symbol.asyncDispose]() {
      await server.close();
      await exporter[Symbol.asyncDispose]();
      await dir[Symbol.asyncDispose]();
    },
  };
}

test('one trace leads from a client through the daemon to a plugin, and each span to its parent', async () => {
  await using collector = await startCollector();
  {
    await using plugin = await stage('plugin', collector.endpoint, () => [
      serviceRoutes(Health, {
        check: () => ({ status: Status.SERVING }),
        async *watch() {
          yield { status: Status.SERVING };
          throw new Fault('not_found', 'no more');
        },
      }),
    ]);
    await using daemon = await stage('daemon', collector.endpoint, (interceptor) => [
      serviceRoutes(Version, {
        async version() {
          await using transport = unixTransport(plugin.path, { interceptors: [interceptor] });
          await new Promise((settle) => setTimeout(settle, 5));
          await rpcClient(Health, transport).check({});
          await Array.fromAsync(rpcClient(Health, transport).watch({})).catch(() => undefined);
          return { version: '1', revision: 'r' };
        },
      }),
    ]);
    await using exporter = otlpExporter({
      endpoint: collector.endpoint,
      resource: { 'service.name': 'client' },
    });
    const tracer = new LocalTracer({ onEnd: (span) => exporter.add(span) });
    await using transport = unixTransport(daemon.path, { interceptors: [traceCalls(tracer)] });
    const root = tracer.start('pull', { kind: 'internal' });
    await root.run(() => rpcClient(Version, transport, { namespace: 'blue' }).version({}));
    root.end();
  }
  const { spans } = collector;
  expect(new Set(spans.map(({ traceId }) => traceId)).size).toBe(1);
  const path = (span: ReceivedSpan | undefined): string[] => {
    if (span === undefined) return [];
    return [...path(spans.find(({ spanId }) => spanId === span.parentSpanId)), `${span.name} ${span.kind}`];
  };
  const way = ['pull 1', 'containerd.services.version.v1.Version/Version 3'];
  way.push('containerd.services.version.v1.Version/Version 2');
  const named = (name: string, kind: number) => spans.find((one) => one.name === name && one.kind === kind);
  const [check, watch] = ['grpc.health.v1.Health/Check', 'grpc.health.v1.Health/Watch'];
  expect(path(named(check, 2))).toEqual([...way, `${check} 3`, `${check} 2`]);
  expect(path(named(watch, 2))).toEqual([...way, `${watch} 3`, `${watch} 2`]);
  expect(spans).toHaveLength(7);
  for (const kind of [2, 3]) {
    expect(named(watch, kind)?.status).toEqual({ code: 2, message: 'NotFound' });
    expect(named(check, kind)?.status).toEqual({});
  }
  expect(named('containerd.services.version.v1.Version/Version', 2)?.attributes).toContainEqual({
    key: 'containerd.namespace',
    value: { stringValue: 'blue' },
  });
  for (const { startTimeUnixNano, endTimeUnixNano } of spans)
    expect(BigInt(endTimeUnixNano) >= BigInt(startTimeUnixNano)).toBe(true);
  expect(collector.requests[0]).toMatchObject({ path: '/v1/traces', type: 'application/json' });
  const names = new Set(collector.requests.map(({ resource }) => JSON.stringify(resource)));
  expect([...names].sort()).toEqual(
    ['client', 'daemon', 'plugin'].map((name) =>
      JSON.stringify([{ key: 'service.name', value: { stringValue: name } }]),
    ),
  );
});

test('who began a trace says whether it is kept; of those begun here a share is', () => {
  const kept: string[] = [];
  const none = new LocalTracer({ onEnd: ({ name }) => kept.push(name), ratio: 0 });
  none.start('mine', { kind: 'internal' }).end();
  const parent = { traceId: TRACE, spanId: SPAN, sampled: true };
  none.start('of another', { kind: 'server', parent }).end();
  const all = new LocalTracer({ onEnd: ({ name }) => kept.push(name) });
  all.start('not wanted', { kind: 'server', parent: { ...parent, sampled: false } }).end();
  const span = all.start('once', { kind: 'internal' });
  span.end();
  span.end();
  expect(kept).toEqual(['of another', 'once']);
  const half = new LocalTracer({ onEnd: ({ name }) => kept.push(name), ratio: 0.5 });
  for (let i = 0; i < 1000; i += 1) half.start('half', { kind: 'internal' }).end();
  const count = kept.filter((name) => name === 'half').length;
  expect(count).toBeGreaterThan(350);
  expect(count).toBeLessThan(650);
});

test.each([
  ['is not there', async () => new URL('http://127.0.0.1:1')],
  ['takes nothing', async (held: AsyncDisposableStack) => held.use(await startCollector(503)).endpoint],
])('a collector that %s costs spans, a line in the log and no more', async (_, start) => {
  await using held = new AsyncDisposableStack();
  const lines: object[] = [];
  const warn = (fields: object) => void lines.push(fields);
  const log = { debug() {}, info() {}, warn, error() {} };
  const exporter = otlpExporter({ endpoint: await start(held), resource: {}, log });
  const tracer = new LocalTracer({ onEnd: (span) => exporter.add(span) });
  for (let i = 0; i < 6000; i += 1) tracer.start('x', { kind: 'internal' }).end();
  await exporter[Symbol.asyncDispose]();
  expect(lines).toHaveLength(1);
});
