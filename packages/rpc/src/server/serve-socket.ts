import { type Logger, reasonOf } from '@stowage/core';
import { healthRoutes } from '../health.ts';
import type { Routes } from '../routes.ts';
import { listen } from '../server.ts';

export interface ServeOptions {
  /** Path of the socket file, with or without `unix://` before it. Only root and the user of this process can use it. */
  readonly socket: string;
  /** Ends it, as {@link SocketServer.close} does. Before it listens: this rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  /** Told of what a service throws that is no Fault, which callers see as `internal`. Default: standard error. */
  readonly log?: Logger | undefined;
}

export interface SocketServer extends AsyncDisposable {
  /** The socket file, absolute. */
  readonly path: string;
  /** Settles when it has ended. */
  readonly closed: Promise<void>;
  /**
   * Takes no more calls, ends those under way after a moment (their signals fire) and removes the socket file. What is
   * served is the caller's to dispose, after this. Safe to call again.
   */
  close(): Promise<void>;
}

/**
 * Serves what `[proxy_plugins]` of containerd and Stowage expect at a socket: the given services and that of health, by
 * gRPC without TLS (and gRPC-Web, Connect and JSON besides).
 *
 * @returns once it listens. A dead socket file in the place is replaced.
 * @throws Fault `failed_precondition` if another process answers at the socket; `invalid_argument` for a path that is too
 *   long.
 */
export async function serveSocket(
  routes: readonly Routes[],
  { socket, signal, log = complaints }: ServeOptions,
): Promise<SocketServer> {
  signal?.throwIfAborted();
  const server = await listen({ address: { path: socket }, routes: [healthRoutes, ...routes], log });
  const { promise: closed, resolve, reject } = Promise.withResolvers<void>();
  const close = () => {
    signal?.removeEventListener('abort', close);
    server.close().then(resolve, reject);
    return closed;
  };
  // Whoever only disposes it hears of a failure by that.
  closed.catch(() => {});
  signal?.addEventListener('abort', close, { once: true });
  // It may have fired meanwhile.
  if (signal?.aborted) {
    await close();
    signal.throwIfAborted();
  }
  return { path: server.address.path, closed, close, [Symbol.asyncDispose]: close };
}

/** Warnings and errors, as lines on standard error. */
const complaints: Logger = { debug() {}, info() {}, warn: complain, error: complain };

function complain(fields: object, message: string): void {
  const { err } = fields as { readonly err?: unknown };
  const why = err === undefined ? '' : `: ${(err as Partial<Error>).stack ?? reasonOf(err)}`;
  process.stderr.write(`${message}${why}\n`);
}
