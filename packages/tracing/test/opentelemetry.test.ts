import { AsyncLocalStorage } from 'node:async_hooks';
import { join } from 'node:path';
import { afterAll, expect, test } from '@jest/globals';
import * as api from '@opentelemetry/api';
import { Version } from '@stowage/api/version/v1';
import { rpcClient, serviceRoutes } from '@stowage/rpc';
import { listen } from '@stowage/rpc/server';
import { unixTransport } from '@stowage/rpc/transport';
import { tempDir } from '@stowage/testing';
import { traceCalls } from '../src/index.ts';
import { openTelemetryTracer } from '../src/opentelemetry.ts';

afterAll(() => {
  api.trace.disable();
  api.context.disable();
});

/** The least that an SDK has: spans with ids, and a context that follows what is awaited. */
function registerSdk() {
  const ended: Array<{ name: string; traceId: string; spanId: string; kind: unknown; status: unknown }> = [];
  const storage = new AsyncLocalStorage<api.Context>();
  api.context.setGlobalContextManager({
    active: () => storage.getStore() ?? api.ROOT_CONTEXT,
    with: (context, fn, self, ...args) => storage.run(context, () => fn.call(self as never, ...args)),
    bind: (_, target) => target,
    enable() {
      return this;
    },
    disable() {
      return this;
    },
  });
  let count = 0;
  const getTracer = (): api.Tracer => ({
    startSpan(name, options = {}, context = api.context.active()) {
      const parent = api.trace.getSpanContext(context);
      count += 1;
      const spanId = count.toString(16).padStart(16, '0');
      const traceId = parent?.traceId ?? count.toString(16).padStart(32, 'a');
      let status: unknown;
      const span = api.trace.wrapSpanContext({ traceId, spanId, traceFlags: 1 });
      return Object.assign(span, {
        setStatus(to: unknown) {
          status = to;
          return span;
        },
        end: () => void ended.push({ name, traceId, spanId, kind: options.kind, status }),
      });
    },
    startActiveSpan: () => {
      throw new Error('nobody here calls it');
    },
  });
  api.trace.setGlobalTracerProvider({ getTracer });
  return { ended, tracer: getTracer() };
}

test('spans are those of the program’s own SDK, and without one there are none', async () => {
  await using dir = await tempDir('opentelemetry');
  const path = join(dir.path, 's.sock');
  let seen: string | null = '';
  const routes = serviceRoutes(Version, {
    version(_, { requestHeader }) {
      seen = requestHeader.get('traceparent');
      if (seen?.includes('-0000000000000003-')) throw new Error('a bug');
      return { version: '1', revision: 'r' };
    },
  });
  await using _server = await listen({ address: { path }, routes: [routes] });
  await using transport = unixTransport(path, { interceptors: [traceCalls(openTelemetryTracer(api))] });
  const version = rpcClient(Version, transport);
  await version.version({});
  expect(seen).toBeNull();

  const { ended, tracer } = registerSdk();
  const outer = tracer.startSpan('outer');
  const within = <T>(work: () => T) => api.context.with(api.trace.setSpan(api.context.active(), outer), work);
  await within(() => version.version({}));
  const { traceId } = outer.spanContext();
  expect(seen).toBe(`00-${traceId}-0000000000000002-01`);
  await expect(within(() => version.version({}))).rejects.toMatchObject({ kind: 'internal' });
  const name = 'containerd.services.version.v1.Version/Version';
  expect(ended).toEqual([
    { name, traceId, spanId: '0000000000000002', kind: api.SpanKind.CLIENT, status: undefined },
    {
      name,
      traceId,
      spanId: '0000000000000003',
      kind: api.SpanKind.CLIENT,
      status: { code: api.SpanStatusCode.ERROR, message: 'Internal' },
    },
  ]);
});
