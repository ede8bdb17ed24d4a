import { randomBytes } from 'node:crypto';
import type { ContentStore, ContentVerifier } from '@stowage/content';
import { remoteContent, remoteVerifier } from '@stowage/content/remote';
import { Fault, LABEL, type Scope, type Scoped, unlessGone } from '@stowage/core';
import type { LeaseManager } from '@stowage/leases';
import { remoteLeases } from '@stowage/leases/remote';
import type { NamespaceStore } from '@stowage/namespaces';
import { remoteNamespaces } from '@stowage/namespaces/remote';
import { unixTransport } from '@stowage/rpc/transport';
import type { Capability, OpenStore, Subject } from './subject.ts';

/** A connection to a daemon, and what the kit asks of it. */
export interface Connection extends AsyncDisposable {
  readonly content: Scoped<ContentStore>;
  readonly verifier?: Scoped<ContentVerifier>;
  readonly leases: Scoped<LeaseManager>;
  readonly namespaces: NamespaceStore;
}

export interface DaemonSubjectOptions {
  readonly name: string;
  /** Makes a connection of its own. */
  connect(): Connection;
  /** What the names of namespaces begin with. Default: `content-conformance`. */
  readonly namespace?: string | undefined;
  /** Default: `labels`, `reopen` and `namespaces`. */
  readonly capabilities?: ReadonlySet<Capability> | undefined;
  /** Needed for `verify`: how to reach the files of its blobs. */
  readonly damage?: OpenStore['damage'] | undefined;
}

const LEASE = 'content-conformance';
const LEASE_LIFETIME_MS = 60 * 60 * 1000;

/**
 * A running daemon as a subject. Each case has a namespace of its own and works there under a lease, without which a
 * collector may take what was committed; a server that has no leases, such as one of a content plugin, does without.
 * To open the store again is to connect again. What a case leaves is deleted.
 *
 * @throws Fault `failed_precondition`, from `open`, if something is in the namespace: the server takes no notice of
 *   namespaces then, and is not empty.
 */
export function daemonSubject(options: DaemonSubjectOptions): Subject {
  const { name, connect, namespace = 'content-conformance', damage } = options;
  const { capabilities = new Set<Capability>(['labels', 'reopen', 'namespaces']) } = options;
  // Nobody else's, not even of a run that crashed.
  const run = `${namespace}-${randomBytes(4).toString('hex')}`;
  const scopes = new Map<string, readonly [own: Scope, neighbour: Scope]>();
  let count = 0;
  const freshScopes = async (connection: Connection): Promise<readonly [Scope, Scope]> => {
    const own = await freshScope(connection, `${run}-${++count}`);
    if (!capabilities.has('namespaces')) return [own, own];
    return [own, await freshScope(connection, `${run}-${count}-neighbour`)];
  };
  return {
    name,
    capabilities,
    async open(root) {
      const connection = connect();
      try {
        const known = scopes.get(root);
        const [own, neighbour] = known ?? (await freshScopes(connection));
        scopes.set(root, [own, neighbour]);
        return {
          // Methods of a remote store are its own.
          ...connection.content(own),
          ...(connection.verifier && { verifier: connection.verifier(own) }),
          neighbour: connection.content(neighbour),
          ...(damage && { damage }),
          [Symbol.asyncDispose]: () => connection[Symbol.asyncDispose](),
        };
      } catch (e) {
        await connection[Symbol.asyncDispose]();
        throw e;
      }
    },
    async end(root) {
      const used = scopes.get(root);
      scopes.delete(root);
      if (used === undefined) return;
      await using connection = connect();
      for (const scope of new Set(used)) await removeScope(connection, scope);
    },
  };
}

/** Connects to the unix socket of a daemon or of a content plugin. */
export function connectSocket(address: string): Connection {
  const transport = unixTransport(address);
  return {
    content: (scope) => remoteContent(transport, scope),
    verifier: (scope) => remoteVerifier(transport, scope),
    leases: (scope) => remoteLeases(transport, scope),
    namespaces: remoteNamespaces(transport),
    [Symbol.asyncDispose]: () => transport[Symbol.asyncDispose](),
  };
}

async function freshScope({ content, leases }: Connection, namespace: string): Promise<Scope> {
  const store = content({ namespace });
  for await (const found of either(store.list(), store.statuses())) {
    const what = 'digest' in found ? `blob ${found.digest}` : `ingest ${found.ref}`;
    throw new Fault(
      'failed_precondition',
      `content conformance: ${what} is in a namespace that is new; cases need an empty store, and empty it`,
    );
  }
  const expires = new Date(Date.now() + LEASE_LIFETIME_MS).toISOString().replace(/\.\d+Z$/, 'Z');
  try {
    const { id } = await leases({ namespace }).create({ id: LEASE, labels: { [LABEL.gcExpire]: expires } });
    return { namespace, lease: id };
  } catch (e) {
    if (!Fault.is(e, 'unimplemented')) throw e;
    return { namespace };
  }
}

async function removeScope(connection: Connection, { namespace, lease }: Scope): Promise<void> {
  const store = connection.content({ namespace });
  for await (const { ref } of store.statuses()) await unlessGone(store.abort(ref));
  for await (const { digest } of store.list()) await unlessGone(store.delete(digest));
  if (lease === undefined) return;
  await unlessGone(connection.leases({ namespace }).delete(lease, { sync: true }));
  await unlessGone(connection.namespaces.delete(namespace));
}

async function* either<A, B>(first: AsyncIterable<A>, second: AsyncIterable<B>): AsyncGenerator<A | B> {
  yield* first;
  yield* second;
}
