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
import type { ImageStore } from '@stowage/images';
import { remoteImages } from '@stowage/images/remote';
import type { Introspection, Version } from '@stowage/introspection';
import { remoteIntrospection, remoteVersion } from '@stowage/introspection/remote';
import type { LeaseManager } from '@stowage/leases';
import { remoteLeases } from '@stowage/leases/remote';
import type { NamespaceStore } from '@stowage/namespaces';
import { remoteNamespaces } from '@stowage/namespaces/remote';
import type { OperationService } from '@stowage/operations';
import { remoteOperations } from '@stowage/operations/remote';
import type { ProxyPlugins } from '@stowage/plugins';
import { remoteProxyPlugins } from '@stowage/plugins/remote';
import type { SandboxStore } from '@stowage/sandboxes';
import { remoteSandboxes } from '@stowage/sandboxes/remote';
import type { Snapshotter } from '@stowage/snapshots';
import { remoteSnapshotter } from '@stowage/snapshots/remote';
import type { Tasks } from '@stowage/tasks';
import { remoteTasks } from '@stowage/tasks/remote';
import { askedOnce } from './report.ts';

/** Every service of a daemon, bound to one scope. Each is the same interface that a local form implements. */
export interface Services {
  readonly content: ContentStore;
  /** Of Stowage; containerd answers `unimplemented`, see `verifyByReading` of `@stowage/content`. */
  readonly verifier: ContentVerifier;
  readonly images: ImageStore;
  readonly containers: ContainerStore;
  /** Their records; containerd has them from 1.7 on. */
  readonly sandboxes: SandboxStore;
  readonly leases: LeaseManager;
  readonly differ: Differ;
  readonly tasks: Tasks;
  /** What is going on. Of Stowage; containerd answers `unimplemented`. */
  readonly operations: OperationService;
  snapshotter(name: string): Snapshotter;
  /** The same, under a lease: it holds what is made through them. */
  leased(leaseId: string): Services;
  /** Of all namespaces. */
  readonly namespaces: NamespaceStore;
  readonly events: Events;
  /** Of Stowage; containerd answers `unimplemented`. */
  readonly eventHistory: EventHistory;
  readonly introspection: Introspection;
  /** Of Stowage; containerd answers `unimplemented`. */
  readonly proxyPlugins: ProxyPlugins;
  readonly version: Version;
}

export function remoteServices(
  transport: Transport,
  scope: Scope,
  operations = askedOnce(remoteOperations(transport, scope)),
): Services {
  return {
    content: remoteContent(transport, scope),
    verifier: remoteVerifier(transport, scope),
    images: remoteImages(transport, scope),
    containers: remoteContainers(transport, scope),
    sandboxes: remoteSandboxes(transport, scope),
    leases: remoteLeases(transport, scope),
    differ: remoteDiffer(transport, scope),
    tasks: remoteTasks(transport, scope),
    snapshotter: (name) => remoteSnapshotter(transport, name, scope),
    operations,
    leased: (lease) => remoteServices(transport, { ...scope, lease }, operations),
    namespaces: remoteNamespaces(transport),
    events: remoteEvents(transport),
    eventHistory: remoteEventHistory(transport),
    introspection: remoteIntrospection(transport),
    proxyPlugins: remoteProxyPlugins(transport),
    version: remoteVersion(transport),
  };
}
