import { randomBytes } from 'node:crypto';
import { Fault, LABEL, type Scope, type Scoped, unlessGone } from '@stowage/core';
import type { LeaseManager } from '@stowage/leases';
import { remoteLeases } from '@stowage/leases/remote';
import type { NamespaceStore } from '@stowage/namespaces';
import { remoteNamespaces } from '@stowage/namespaces/remote';
import { unixTransport } from '@stowage/rpc/transport';
import type { SnapshotInfo, Snapshotter } from '@stowage/snapshots';
import { remoteSnapshotter } from '@stowage/snapshots/remote';
import type { Capability, Subject } from './subject.ts';

/** A connection to a daemon, and what the kit asks of it. */
export interface Connection extends AsyncDisposable {
  readonly snapshotter: Scoped<Snapshotter>;
  readonly leases: Scoped<LeaseManager>;
  readonly namespaces: NamespaceStore;
}

export interface DaemonSubjectOptions {
  readonly name: string;
  /** Makes a connection of its own. */
  connect(): Connection;
  /** What the names of namespaces begin with. Default: `snapshots-conformance`. */
  readonly namespace?: string | undefined;
  /** Default: `reopen`. */
  readonly capabilities?: ReadonlySet<Capability> | undefined;
  /** Needed for `mounts`. */
  readonly mount?: Subject['mount'] | undefined;
  /** Needed for `remote`. */
  readonly remote?: Subject['remote'];
}

const LEASE = 'snapshots-conformance';
const LEASE_LIFETIME_MS = 60 * 60 * 1000;

/**
 * A snapshotter of a running daemon, or a proxy plugin, as a subject. Each case has a namespace of its own and works there
 * under a lease, without which a collector may take what was committed; a server that has no leases, such as a proxy
 * plugin, does without. To open the snapshotter again is to connect again. What a case leaves is removed.
 *
 * @throws Fault `failed_precondition`, from `open`, if something is in the namespace: the server takes no notice of
 *   namespaces then, and is not empty.
 */
export function daemonSubject(options: DaemonSubjectOptions): Subject {
  const { name, connect, namespace = 'snapshots-conformance', mount, remote } = options;
  const { capabilities = new Set<Capability>(['reopen']) } = options;
  // Nobody else's, not even of a run that crashed.
  const run = `${namespace}-${randomBytes(4).toString('hex')}`;
  const scopes = new Map<string, Scope>();
  let count = 0;
  return {
    name,
    capabilities,
    remote,
    ...(mount && { mount }),
    async open(root) {
      const connection = connect();
      try {
        const scope = scopes.get(root) ?? (await freshScope(connection, `${run}-${++count}`));
        scopes.set(root, scope);
        return {
          // Methods of a remote snapshotter are its own.
          ...connection.snapshotter(scope),
          [Symbol.asyncDispose]: () => connection[Symbol.asyncDispose](),
        };
      } catch (e) {
        await connection[Symbol.asyncDispose]();
        throw e;
      }
    },
    async end(root) {
      const scope = scopes.get(root);
      scopes.delete(root);
      if (scope === undefined) return;
      await using connection = connect();
      await removeScope(connection, scope);
    },
  };
}

/** Connects to a snapshotter at the unix socket of a daemon or of a proxy plugin. */
export function connectSocket(address: string, snapshotter: string): Connection {
  const transport = unixTransport(address);
  return {
    snapshotter: (scope) => remoteSnapshotter(transport, snapshotter, scope),
    leases: (scope) => remoteLeases(transport, scope),
    namespaces: remoteNamespaces(transport),
    [Symbol.asyncDispose]: () => transport[Symbol.asyncDispose](),
  };
}

async function freshScope({ snapshotter, leases }: Connection, namespace: string): Promise<Scope> {
  for await (const { name } of snapshotter({ namespace }).list()) {
    throw new Fault(
      'failed_precondition',
      `snapshots conformance: ${name} is in a namespace that is new; cases need an empty snapshotter, and empty it`,
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
  await removeAll(connection.snapshotter({ namespace }));
  if (lease === undefined) return;
  await unlessGone(connection.leases({ namespace }).delete(lease, { sync: true }));
  await unlessGone(connection.namespaces.delete(namespace));
}

/** Removes every snapshot, children before their parents. */
async function removeAll(s: Snapshotter): Promise<void> {
  const left = new Map<string, SnapshotInfo>();
  for await (const info of s.list()) left.set(info.name, info);
  while (left.size > 0) {
    const parents = new Set([...left.values()].map(({ parent }) => parent));
    const leaves = [...left.keys()].filter((name) => !parents.has(name));
    // A server whose parents go in a circle has none; it is then told which it does not remove.
    for (const name of leaves.length > 0 ? leaves : left.keys()) {
      await unlessGone(s.remove(name));
      left.delete(name);
    }
  }
}
