import { type Logger, reasonOf, type Scope, type Scoped } from '@stowage/core';
import { healthRoutes } from '@stowage/rpc/health';
import { listen } from '@stowage/rpc/server';
import { rawSnapshotService, unknownSnapshotter } from './raw.ts';
import { snapshotRoutes } from './service.ts';
import type { SnapshotService, Snapshotter } from './snapshotter.ts';

export interface ServeOptions {
  /** Path of the socket file, with or without `unix://` before it. Only root and the user of this process can use it. */
  readonly socket: string;
  /**
   * What the daemon calls it: `<name>` of its `[proxy_plugins.<name>]`, which comes with every request. Another one is
   * refused with `invalid_argument`, so that a daemon that was pointed at the wrong socket hears of it. Left out, any
   * name will do.
   */
  readonly name?: string | undefined;
  /** Ends it, as {@link SnapshotterServer.close} does. Before it listens: this rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  /** Told of what a snapshotter throws that is no Fault, which callers see as `internal`. Default: standard error. */
  readonly log?: Logger | undefined;
}

export interface SnapshotterServer extends AsyncDisposable {
  /** The socket file, absolute. */
  readonly path: string;
  /** Settles when it has ended. */
  readonly closed: Promise<void>;
  /**
   * Takes no more calls, ends those under way after a moment (their signals fire) and removes the socket file. The
   * snapshotter is the caller's to dispose, after this. Safe to call again.
   */
  close(): Promise<void>;
}

/**
 * Serves a snapshotter on a unix socket, as the `[proxy_plugins]` of containerd and Stowage expect it: snapshots.v1 and
 * the health service, by gRPC without TLS (and gRPC-Web, Connect and JSON besides).
 *
 * What a daemon asks of it is of another form than what its clients asked for: keys and names read
 * `<namespace>/<number>/<key>`; of the labels come those that begin with `containerd.io/snapshot/`, and
 * `containerd.io/snapshot.ref`; there is no lease. The daemon calls Commit and Update within a transaction of its own, for
 * which its other writers wait: be quick there.
 *
 * @param snapshotter - or how to find that of a namespace (of the `containerd-namespace` header), for those that serve
 *   each from elsewhere. The namespace is empty for calls that are about no key: a garbage collector's lists and cleanups.
 * @returns once it listens. A dead socket file in the place is replaced.
 * @throws Fault `failed_precondition` if another process answers at the socket; `invalid_argument` for a path that is too
 *   long.
 * @see containerd contrib/snapshotservice; docs/PLUGINS.md, Proxy Plugins
 */
export async function serveSnapshotter(
  snapshotter: Snapshotter | Scoped<Snapshotter>,
  { socket, name, signal, log = complaints }: ServeOptions,
): Promise<SnapshotterServer> {
  signal?.throwIfAborted();
  const routes = [healthRoutes, snapshotRoutes(serviceOf(snapshotter, name))];
  const server = await listen({ address: { path: socket }, routes, log });
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

function serviceOf(
  snapshotter: Snapshotter | Scoped<Snapshotter>,
  name: string | undefined,
): SnapshotService {
  if (typeof snapshotter !== 'function' && name !== undefined)
    return rawSnapshotService(new Map([[name, snapshotter]]));
  const find = typeof snapshotter === 'function' ? snapshotter : () => snapshotter;
  return {
    names: name === undefined ? [] : [name],
    snapshotter(scope: Scope, asked: string) {
      if (name !== undefined && asked !== name) throw unknownSnapshotter(asked, [name]);
      return find(scope);
    },
  };
}

/** Warnings and errors, as lines on standard error. */
const complaints: Logger = { debug() {}, info() {}, warn: complain, error: complain };

function complain(fields: object, message: string): void {
  const { err } = fields as { readonly err?: unknown };
  const why = err === undefined ? '' : `: ${(err as Partial<Error>).stack ?? reasonOf(err)}`;
  process.stderr.write(`${message}${why}\n`);
}
