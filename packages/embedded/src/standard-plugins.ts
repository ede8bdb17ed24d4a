import { containersGrpcPlugin } from '@stowage/containers/plugin';
import { contentGrpcPlugin, verificationGrpcPlugin } from '@stowage/content/plugin';
import { contentStorePlugin } from '@stowage/content-store/plugin';
import type { Plugin } from '@stowage/core';
import { diffGrpcPlugin, diffServicePlugin, walkingDifferPlugin } from '@stowage/diff/plugin';
import { eventHistoryGrpcPlugin, eventsGrpcPlugin, exchangePlugin } from '@stowage/events/plugin';
import { garbageGrpcPlugin } from '@stowage/gc/plugin';
import { imagesGrpcPlugin } from '@stowage/images/plugin';
import {
  introspectionGrpcPlugin,
  introspectionServicePlugin,
  versionGrpcPlugin,
} from '@stowage/introspection/plugin';
import { leasesGrpcPlugin } from '@stowage/leases/plugin';
import {
  containersServicePlugin,
  contentServicePlugin,
  garbageServicePlugin,
  gcPlugin,
  imagesServicePlugin,
  leasesServicePlugin,
  metadataGrpcPlugin,
  metadataPlugin,
  mountsServicePlugin,
  namespacesServicePlugin,
  sandboxStorePlugin,
  snapshotsServicePlugin,
  verificationServicePlugin,
} from '@stowage/metadata/plugin';
import { metricsPlugin } from '@stowage/metrics/plugin';
import { loopHandlerPlugin, mountManagerPlugin } from '@stowage/mount-manager/plugin';
import { mountsGrpcPlugin } from '@stowage/mounts/plugin';
import { namespacesGrpcPlugin } from '@stowage/namespaces/plugin';
import { operationsGrpcPlugin, operationsPlugin } from '@stowage/operations/plugin';
import { restartMonitorPlugin } from '@stowage/restart-monitor/plugin';
import { healthPlugin } from '@stowage/rpc/health';
import { runcRuntimePlugin } from '@stowage/runtime-runc/plugin';
import { shimRuntimePlugin, shimSandboxesPlugin } from '@stowage/runtime-shim/plugin';
import {
  sandboxControllersGrpcPlugin,
  sandboxControllersPlugin,
  sandboxesGrpcPlugin,
} from '@stowage/sandboxes/plugin';
import { snapshotsGrpcPlugin } from '@stowage/snapshots/plugin';
import { nativeSnapshotterPlugin } from '@stowage/snapshotter-native/plugin';
import { overlaySnapshotterPlugin } from '@stowage/snapshotter-overlay/plugin';
import { streamingGrpcPlugin, streamManagerPlugin } from '@stowage/streaming/plugin';
import { taskRouterPlugin, tasksGrpcPlugin, tasksServicePlugin } from '@stowage/tasks/plugin';
import { otlpTracingPlugin } from '@stowage/tracing/plugin';
import { localTransferPlugin, transferGrpcPlugin } from '@stowage/transfer/plugin';

/** The containerd whose API this is, with the version of what serves it. Clients gate features on the first. */
export const apiVersion = (version: string): string => `2.3.4+stowage.${version}`;

export interface StandardOptions {
  /** What Version answers, from {@link apiVersion}. */
  readonly version: string;
  readonly revision: string;
}

/** Everything that stowaged is made of. The first snapshotter is the default of our own clients. */
export const standardPlugins = ({ version, revision }: StandardOptions): readonly Plugin[] => [
  exchangePlugin,
  operationsPlugin,
  contentStorePlugin,
  overlaySnapshotterPlugin,
  nativeSnapshotterPlugin,
  loopHandlerPlugin,
  mountManagerPlugin,
  metadataPlugin,
  gcPlugin,
  walkingDifferPlugin,
  runcRuntimePlugin,
  shimRuntimePlugin,
  shimSandboxesPlugin,
  taskRouterPlugin,
  streamManagerPlugin,

  namespacesServicePlugin,
  contentServicePlugin,
  verificationServicePlugin,
  snapshotsServicePlugin,
  imagesServicePlugin,
  containersServicePlugin,
  sandboxStorePlugin,
  sandboxControllersPlugin,
  leasesServicePlugin,
  mountsServicePlugin,
  garbageServicePlugin,
  diffServicePlugin,
  tasksServicePlugin,
  introspectionServicePlugin,
  localTransferPlugin,
  restartMonitorPlugin,

  metricsPlugin({ version, revision }),
  otlpTracingPlugin({ version }),

  namespacesGrpcPlugin,
  contentGrpcPlugin,
  verificationGrpcPlugin,
  snapshotsGrpcPlugin,
  imagesGrpcPlugin,
  containersGrpcPlugin,
  sandboxesGrpcPlugin,
  sandboxControllersGrpcPlugin,
  leasesGrpcPlugin,
  mountsGrpcPlugin,
  garbageGrpcPlugin,
  diffGrpcPlugin,
  eventsGrpcPlugin,
  eventHistoryGrpcPlugin,
  operationsGrpcPlugin,
  tasksGrpcPlugin,
  streamingGrpcPlugin,
  transferGrpcPlugin,
  introspectionGrpcPlugin,
  metadataGrpcPlugin,
  versionGrpcPlugin({ version, revision }),
  healthPlugin,
];
