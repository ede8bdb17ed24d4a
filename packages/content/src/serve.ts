import type { Scoped } from '@stowage/core';
import { type ServeOptions, type SocketServer, serveSocket } from '@stowage/rpc/serve';
import type { ContentStore } from './content-store.ts';
import { contentRoutes } from './service.ts';

export type { ServeOptions, SocketServer } from '@stowage/rpc/serve';

/**
 * Serves a content store on a unix socket, as the `[proxy_plugins]` of type `content` of containerd and Stowage expect
 * it: content.v1 and the health service, by gRPC without TLS (and gRPC-Web, Connect and JSON besides).
 *
 * A daemon has it instead of a store of its own and is its only owner: what no record of the daemon's names, its garbage
 * collection deletes. What it asks is of another form than what its clients asked for: ingest refs read
 * `<namespace>/<number>/<ref>`; a writer is not told which sha256 digest is expected before it commits; labels stay with
 * the daemon (Stowage commits with `containerd.io/gc.root`, for stores that collect garbage themselves); there is no
 * lease. Stowage and containerd 2 send the namespace of the call that they serve as header, containerd 1.6 does not. Blobs
 * are shared all the same: what one namespace has brought, others are handed without asking the store. The daemon calls
 * `commit` within a transaction of its own: be quick there.
 *
 * @param content - or how to find that of a scope, for those that serve each namespace from elsewhere. The namespace is
 *   empty where a call is for none: a garbage collector's lists, and containerd's deletions.
 * @returns once it listens. A dead socket file in the place is replaced.
 * @throws Fault `failed_precondition` if another process answers at the socket; `invalid_argument` for a path that is too
 *   long.
 * @see containerd core/content/proxy; core/metadata/content.go; docs/PLUGINS.md, Proxy Plugins
 */
export function serveContent(
  content: ContentStore | Scoped<ContentStore>,
  options: ServeOptions,
): Promise<SocketServer> {
  return serveSocket([contentRoutes(typeof content === 'function' ? content : () => content)], options);
}
