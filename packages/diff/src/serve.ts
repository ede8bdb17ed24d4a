import type { Scoped } from '@stowage/core';
import { type ServeOptions, type SocketServer, serveSocket } from '@stowage/rpc/serve';
import type { Differ } from './differ.ts';
import { diffRoutes } from './service.ts';

export type { ServeOptions, SocketServer } from '@stowage/rpc/serve';

/**
 * Serves a differ on a unix socket, as the `[proxy_plugins]` of type `diff` of Stowage, containerd 2 and late releases of
 * containerd 1.7 expect it: diff.v1 and the health service, by gRPC without TLS (and gRPC-Web, Connect and JSON besides).
 * containerd 1.6 does not start with a proxy of that type.
 *
 * A daemon sends descriptors and mounts, never bytes: the differ reads layers from the daemon's content store and puts
 * those that it makes there, as by `remoteContent` over the daemon's own socket. Mounts are made by the process of the
 * differ, which has to see the same files as the daemon.
 *
 * @param differ - or how to find that of a scope, by which a differ knows whose layers they are and which lease keeps what
 *   it makes until an image names it. Stowage sends both; containerd 2.1 neither, so the namespace is empty there.
 * @returns once it listens. A dead socket file in the place is replaced.
 * @throws Fault `failed_precondition` if another process answers at the socket; `invalid_argument` for a path that is too
 *   long.
 * @see containerd core/diff/proxy; docs/PLUGINS.md, Proxy Plugins; containerd issue 12328
 */
export function serveDiff(differ: Differ | Scoped<Differ>, options: ServeOptions): Promise<SocketServer> {
  return serveSocket([diffRoutes(typeof differ === 'function' ? differ : () => differ)], options);
}
