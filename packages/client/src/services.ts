import type { Transport } from '@connectrpc/connect';
import type { ContainerStore } from '@stowage/containers';
import { remoteContainers } from '@stowage/containers/remote';
import type { ContentStore, ContentVerifier } from '@stowage/content';
import { remoteContent, remoteVerifier } from '@stowage/content/remote';
import type { Scope } from '@stowage/core';
import type { Differ } from '@stowage/diff';
import { remoteDiffer } from '@stowage/diff/remote';
import type { EventHistory, Events } from '@stowage/events';
import { remoteEventHistory, remoteEvents } from '@stowage/events/remote';
import type { GarbageInspector } from '@stowage/gc';
import type { ImageStore } from '@stowage/images';
import { remoteImages } from '@stowage/images/remote';
import type { Introspection, Version } from '@stowage/introspection';
import { remoteIntrospection, remoteVersion } from '@stowage/introspection/remote';
import type { LeaseManager } from '@stowage/leases';
import { remoteLeases } from '@stowage/leases/remote';
import type { MountManager } from '@stowage/mounts';
import { remoteMounts } from '@stowage/mounts/remote';
import type { NamespaceStore } from '@stowage/namespaces';
import { remoteNamespaces } from '@stowage/namespaces/remote';
import type { OperationService } from '@stowage/operations';
import { remoteOperations } from '@stowage/operations/remote';
import type { ProxyPlugins } from '@stowage/plugins';
import { remoteProxyPlugins } from '@stowage/plugins/remote';
import type { SandboxController, SandboxStore } from '@stowage/sandboxes';
import { remoteSandboxController } from '@stowage/sandboxes/controller-remote';
import { remoteSandboxes } from '@stowage/sandboxes/remote';
import type { Snapshotter } from '@stowage/snapshots';
import { remoteSnapshotter } from '@stowage/snapshots/remote';
import type { Streams } from '@stowage/streaming';
import { remoteStreams } from '@stowage/streaming/remote';
import type { Tasks } from '@stowage/tasks';
import { remoteTasks } from '@stowage/tasks/remote';
import type { Transfers } from '@stowage/transfer';
import { remoteTransfers } from '@stowage/transfer/remote';
import { daemonInspector } from './inspector.ts';
import { orInstead } from './instead.ts';
import { LACK } from './lacks.ts';
import { askedOnce } from './report.ts';

/**
 * Every service of a daemon, bound to one scope. Each is the same interface that a local form implements.
 *
 * What a daemon does not have, as containerd or an older one, ends in a Fault `unimplemented` that says what to use instead.
 */
export interface Services {
  readonly content: ContentStore;
  /** Of Stowage. */
  readonly verifier: ContentVerifier;
  readonly images: ImageStore;
  readonly containers: ContainerStore;
  /** Records of sandboxes; containerd has them from 1.7 on. */
  readonly sandboxes: SandboxStore;
  /** What runs the sandboxes whose records name it: `shim`, ... containerd has them from 1.7 on. */
  sandboxController(sandboxer: string): SandboxController;
  readonly leases: LeaseManager;
  readonly differ: Differ;
  readonly tasks: Tasks;
  /** Images moved by the daemon itself; containerd has them from 1.7 on. The client's own methods do without. */
  readonly transfers: Transfers;
  /** Streams that other services, as {@link transfers}, are told by their ids; containerd has them from 1.7 on. */
  readonly streams: Streams;
  /** Mounts that take more than the kernel; containerd has them from 2.2 on. */
  readonly mounts: MountManager;
  /** What is going on. Of Stowage. */
  readonly operations: OperationService;
  /** What keeps things and what goes. Of containerd as far as its other services tell. */
  readonly garbage: GarbageInspector;
  snapshotter(name: string): Snapshotter;
  /** The same, under a lease: it holds what is made through them. */
  leased(leaseId: string): Services;
  /** Of all namespaces. */
  readonly namespaces: NamespaceStore;
  readonly events: Events;
  /** Of Stowage. */
  readonly eventHistory: EventHistory;
  readonly introspection: Introspection;
  /** Of Stowage. */
  readonly proxyPlugins: ProxyPlugins;
  readonly version: Version;
}

export function remoteServices(
  transport: Transport,
  scope: Scope,
  operations = askedOnce(orInstead(remoteOperations(transport, scope), LACK.operations)),
): Services {
  return {
    content: remoteContent(transport, scope),
    verifier: orInstead(remoteVerifier(transport, scope), LACK.verifier),
    images: remoteImages(transport, scope),
    containers: remoteContainers(transport, scope),
    sandboxes: orInstead(remoteSandboxes(transport, scope), LACK.sandboxes),
    sandboxController: (name) =>
      orInstead(remoteSandboxController(transport, scope, name), LACK.sandboxController),
    leases: remoteLeases(transport, scope),
    differ: remoteDiffer(transport, scope),
    tasks: remoteTasks(transport, scope),
    transfers: orInstead(remoteTransfers(transport, scope), LACK.transfers),
    streams: orInstead(remoteStreams(transport, scope), LACK.streams),
    mounts: orInstead(remoteMounts(transport, scope), LACK.mounts),
    operations,
    garbage: daemonInspector(transport, scope),
    snapshotter: (name) => remoteSnapshotter(transport, name, scope),
    leased: (lease) => remoteServices(transport, { ...scope, lease }, operations),
    namespaces: remoteNamespaces(transport),
    events: remoteEvents(transport),
    eventHistory: orInstead(remoteEventHistory(transport), LACK.eventHistory),
    introspection: remoteIntrospection(transport),
    proxyPlugins: orInstead(remoteProxyPlugins(transport), LACK.proxyPlugins),
    version: remoteVersion(transport),
  };
}
