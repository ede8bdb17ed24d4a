import { type ContextValues, createConnectRouter, createContextValues } from '@connectrpc/connect';
import type { UniversalHandler } from '@connectrpc/connect/protocol';
import { type Logger, quote } from '@stowage/core';
import { type Admit, admitting } from './admission.ts';
import { type CallObserver, observing } from './call-observer.ts';
import { edgeKey } from './edge.ts';
import { type DirectMethods, noting } from './grpc/direct-methods.ts';
import { gzip } from './gzip.ts';
import { faultsToCodes, type Routes } from './routes.ts';

export { DirectContext } from './grpc/direct-context.ts';
export type { DirectMethod, DirectMethods } from './grpc/direct-methods.ts';
export { OpenCalls } from './open-calls.ts';
export { told } from './routes.ts';

export interface CompileOptions {
  readonly routes: readonly Routes[];
  readonly maxMessageBytes: number;
  /** Told of calls that go through the handlers. Direct calls are not told of here. */
  readonly observer?: CallObserver | undefined;
  /** Asked of calls that go through the handlers. Direct calls are not asked of here. */
  readonly admit?: Admit | undefined;
}

/** Services made ready to be called by whoever speaks a protocol. */
export interface Dispatch {
  /** By path: `/package.Service/Method`, byte by byte. */
  readonly handlers: ReadonlyMap<string, UniversalHandler>;
  /** Those of them that gRPC calls need not go through Connect for. */
  readonly direct: DirectMethods;
  /** Says what is wrong with a path that has no handler. */
  whyNot(path: string): string;
}

/** @throws if two routes offer the same method. */
export function compileRoutes({ routes, maxMessageBytes, observer, admit }: CompileOptions): Dispatch {
  const router = createConnectRouter({
    readMaxBytes: maxMessageBytes,
    writeMaxBytes: maxMessageBytes,
    acceptCompression: [gzip],
    // Nothing is ever compressed: between processes of one machine that costs more than it saves.
    compressMinBytes: Number.MAX_SAFE_INTEGER,
    interceptors: [faultsToCodes, ...(admit === undefined ? [] : [admitting(admit)])],
  });
  const noted = noting(router, maxMessageBytes, observer && observing(observer));
  for (const put of routes) put(noted.router);
  const handlers = new Map<string, UniversalHandler>();
  const services = new Set<string>();
  for (const handler of router.handlers) {
    if (handlers.has(handler.requestPath)) throw new Error(`two services answer ${handler.requestPath}`);
    handlers.set(handler.requestPath, handler);
    services.add(handler.service.typeName);
  }
  return { handlers, direct: noted.direct, whyNot: (path) => whyNot(path, services) };
}

/** What a call carries for the code around methods: where unexpected errors go, and how headers leave early. */
export function callValues(log: Logger, flushHeaders: (header: Headers) => void = () => {}): ContextValues {
  const report = (method: string, err: unknown) =>
    log.error({ err, method }, 'an RPC method failed with an unexpected error');
  return createContextValues().set(edgeKey, { flushHeaders, report });
}

function whyNot(path: string, services: ReadonlySet<string>): string {
  const [, service = '', method = ''] = /^\/([^/]+)\/([^/]+)$/.exec(path) ?? [];
  if (service === '') return `malformed method name ${quote(path)}: must read /package.Service/Method`;
  return services.has(service)
    ? `unknown method ${plain(method)} for service ${service}`
    : `unknown service ${plain(service)}`;
}

function plain(name: string): string {
  return /^[\w.]{1,200}$/.test(name) ? name : quote(name);
}
