import type { Scope, Scoped } from '@stowage/core';
import { type ServeOptions as SocketOptions, type SocketServer, serveSocket } from '@stowage/rpc/serve';
import { rawSnapshotService, unknownSnapshotter } from './raw.ts';
import { snapshotRoutes } from './service.ts';
import type { SnapshotService, Snapshotter } from './snapshotter.ts';

export interface ServeOptions extends SocketOptions {
  /**
   * What the daemon calls it: `<name>` of its `[proxy_plugins.<name>]`, which comes with every request. Another one is
   * refused with `invalid_argument`, so that a daemon that was pointed at the wrong socket hears of it. Left out, any
   * name will do.
   */
  readonly name?: string | undefined;
}

export type SnapshotterServer = SocketServer;

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
export function serveSnapshotter(
  snapshotter: Snapshotter | Scoped<Snapshotter>,
  { name, ...options }: ServeOptions,
): Promise<SnapshotterServer> {
  return serveSocket([snapshotRoutes(serviceOf(snapshotter, name))], options);
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
