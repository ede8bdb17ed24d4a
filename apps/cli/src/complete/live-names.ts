import type { Transport } from '@connectrpc/connect';
import type { Scope } from '@stowage/core';
import { unixTransport } from '@stowage/rpc/transport';
import type { LiveNames } from './candidates.ts';
import type { NameKind } from './kinds.ts';

/** Whoever waits at a prompt waits no longer. */
const PATIENCE_MS = 250;

/** More than anybody would choose from. */
const MOST = 1000;

/** What a shell would take for more than a name is not offered: names are other people's. */
const HARMLESS = /^[\w.:/@+=,-]+$/;

/** Asks the daemon that a command line means; without one that answers in time there are no names. */
export const liveNames: LiveNames = async (kinds, { address, namespace, embedded, snapshotter }) => {
  // An engine would have to be started first.
  if (kinds.length === 0 || embedded === true || typeof address !== 'string') return [];
  const scope = { namespace: String(namespace) };
  const found: string[] = [];
  await using transport = unixTransport(address);
  const signal = AbortSignal.timeout(PATIENCE_MS);
  try {
    for (const kind of kinds) {
      for await (const name of namesOf(kind, transport, scope, {
        signal,
        snapshotter: String(snapshotter),
      })) {
        if (HARMLESS.test(name)) found.push(name);
        if (found.length >= MOST) return found;
      }
    }
  } catch {
    // A prompt is no place for an error: what came so far is what there is.
  }
  return found;
};

interface Asking {
  readonly signal: AbortSignal;
  readonly snapshotter: string;
}

/** Loads no more than the one service that is asked. */
async function* namesOf(
  kind: NameKind,
  transport: Transport,
  scope: Scope,
  { signal, snapshotter }: Asking,
): AsyncGenerator<string> {
  switch (kind) {
    case 'containers':
    case 'container paths': {
      const { remoteContainers } = await import('@stowage/containers/remote');
      for await (const { id } of remoteContainers(transport, scope).list([], { signal }))
        yield kind === 'containers' ? id : `${id}:`;
      return;
    }
    case 'images': {
      const { remoteImages } = await import('@stowage/images/remote');
      for await (const { name } of remoteImages(transport, scope).list([], { signal }))
        yield* spellings(name);
      return;
    }
    case 'snapshots': {
      const { remoteSnapshotter } = await import('@stowage/snapshots/remote');
      const snapshots = remoteSnapshotter(transport, snapshotter, scope);
      for await (const { name } of snapshots.list([], { signal })) yield name;
      return;
    }
    case 'namespaces': {
      const { remoteNamespaces } = await import('@stowage/namespaces/remote');
      for await (const { name } of remoteNamespaces(transport).list({ signal })) yield name;
      return;
    }
    case 'operations': {
      const { remoteOperations } = await import('@stowage/operations/remote');
      for await (const { id, state } of remoteOperations(transport, scope).list([], { signal }))
        if (state === 'running') yield id;
      return;
    }
    case 'leases': {
      const { remoteLeases } = await import('@stowage/leases/remote');
      for await (const { id } of remoteLeases(transport, scope).list([], { signal })) yield id;
      return;
    }
    case 'blobs': {
      const { remoteContent } = await import('@stowage/content/remote');
      for await (const { digest } of remoteContent(transport, scope).list([], { signal })) yield digest;
      return;
    }
  }
}

/** In full, and as people shorten it. */
function spellings(name: string): string[] {
  const short = name.replace(/^docker\.io\/(library\/)?/, '');
  return short === name ? [name] : [short, name];
}
