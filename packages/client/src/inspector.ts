import type { Transport } from '@connectrpc/connect';
import { remoteContainers } from '@stowage/containers/remote';
import { remoteContent } from '@stowage/content/remote';
import type { Scope } from '@stowage/core';
import { firstOf, type GarbageInspector } from '@stowage/gc';
import { type DaemonApi, inspectorOverApi } from '@stowage/gc/over-api';
import { remoteInspector } from '@stowage/gc/remote';
import { remoteImages } from '@stowage/images/remote';
import { remoteIntrospection } from '@stowage/introspection/remote';
import { remoteLeases } from '@stowage/leases/remote';
import { remoteNamespaces } from '@stowage/namespaces/remote';
import { remoteSandboxes } from '@stowage/sandboxes/remote';
import { remoteSnapshotter } from '@stowage/snapshots/remote';

const SNAPSHOTTERS = 'type==io.containerd.snapshotter.v1';

/** The daemon's own inspector; where it has none, as containerd, one over what its other services list. */
export function daemonInspector(transport: Transport, scope: Scope): GarbageInspector {
  return firstOf(remoteInspector(transport, scope), inspectorOverApi(daemonApi(transport), scope));
}

/** What any daemon tells of what it has. */
export function daemonApi(transport: Transport): DaemonApi {
  return {
    namespaces: remoteNamespaces(transport),
    async snapshotters(options) {
      const plugins = await remoteIntrospection(transport).plugins([SNAPSHOTTERS], options);
      // One that failed or does not suit this machine has nothing.
      return plugins.filter(({ state }) => state === 'ok').map(({ id }) => id);
    },
    scoped: (scope) => ({
      content: remoteContent(transport, scope),
      images: remoteImages(transport, scope),
      containers: remoteContainers(transport, scope),
      sandboxes: remoteSandboxes(transport, scope),
      leases: remoteLeases(transport, scope),
      snapshotter: (name) => remoteSnapshotter(transport, name, scope),
    }),
  };
}
