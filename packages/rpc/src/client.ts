import type { DescService } from '@bufbuild/protobuf';
import { type CallOptions, type Client, createClient, type Transport } from '@connectrpc/connect';
import type { Scope } from '@stowage/core';
import { fromConnect } from './fault.ts';
import { scopeHeaders } from './scope.ts';

/** As Connect's, but `signal` may be there and undefined. */
type Options = Omit<CallOptions, 'signal'> & { signal?: AbortSignal | undefined };
type Loose<C> = {
  readonly [M in keyof C]: C[M] extends (request: infer R, options?: CallOptions) => infer A
    ? (request: R, options?: Options) => A
    : never;
};
type Method = (request: unknown, options?: CallOptions) => Promise<unknown> | AsyncIterable<unknown>;

/**
 * A client whose failures are Faults, whose calls carry a scope, and whose streams end the call on the server when
 * the caller leaves the loop. (A stream of Connect's own client does not: it has no `return`.)
 */
export function rpcClient<S extends DescService>(
  service: S,
  transport: Transport,
  scope?: Scope,
): Loose<Client<S>> {
  const raw = createClient(service, transport) as Record<string, Method>;
  const headers = scopeHeaders(scope);
  const client: Record<string, Method> = {};
  for (const { localName, methodKind } of service.methods) {
    const call = raw[localName] as Method;
    client[localName] =
      methodKind === 'server_streaming' || methodKind === 'bidi_streaming'
        ? (request, options) => stream(call, request, headers, options)
        : (request, options) => unary(call, request, headers, options);
  }
  return client as Loose<Client<S>>;
}

async function unary(call: Method, request: unknown, headers: Record<string, string>, options: Options = {}) {
  const { signal, ...rest } = options;
  try {
    return await call(request, { headers, ...rest, ...(signal && { signal }) });
  } catch (e) {
    throw fromConnect(e, signal);
  }
}

async function* stream(
  call: Method,
  request: unknown,
  headers: Record<string, string>,
  options: Options = {},
) {
  const { signal, ...rest } = options;
  const done = new AbortController();
  const either = signal ? AbortSignal.any([signal, done.signal]) : done.signal;
  try {
    yield* call(request, { headers, ...rest, signal: either }) as AsyncIterable<unknown>;
  } catch (e) {
    throw fromConnect(e, signal);
  } finally {
    done.abort();
  }
}
