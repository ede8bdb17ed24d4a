import { containersGrpcPlugin } from '@stowage/containers/plugin';
import { contentServiceSlot, contentSlot } from '@stowage/content';
import { contentGrpcPlugin } from '@stowage/content/plugin';
import { noConfig, type Plugin, plugin } from '@stowage/core';
import { diffRoutes } from '@stowage/diff/service';
import { eventsSlot } from '@stowage/events';
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
  metadataPlugin,
  namespacesServicePlugin,
  sandboxStorePlugin,
  snapshotsServicePlugin,
} from '@stowage/metadata/plugin';
import { namespacesGrpcPlugin } from '@stowage/namespaces/plugin';
import { operationsGrpcPlugin, operationsPlugin } from '@stowage/operations/plugin';
import { grpcSlot } from '@stowage/rpc';
import { runtimeSlot } from '@stowage/runtime';
import { sandboxesGrpcPlugin } from '@stowage/sandboxes/plugin';
import { snapshotterSlot } from '@stowage/snapshots';
import { snapshotsGrpcPlugin } from '@stowage/snapshots/plugin';
import { MemorySnapshotter } from '@stowage/snapshots-conformance/memory';
import { taskRouterPlugin, tasksGrpcPlugin, tasksServicePlugin } from '@stowage/tasks/plugin';
import { fakeDiffer } from './fake-differ.ts';
import type { FakePrograms } from './fake-program.ts';
import { FakeRuntime } from './fake-runtime.ts';
import { MemoryContentStore } from './memory-content-store.ts';

const memoryContentPlugin: Plugin = plugin({
  slot: contentSlot,
  id: 'content',
  config: noConfig,
  start: () => new MemoryContentStore(),
});

/** Under the name that clients ask for if they are not told otherwise. */
const memorySnapshotterPlugin: Plugin = plugin({
  slot: snapshotterSlot,
  id: 'overlayfs',
  config: noConfig,
  start: () => new MemorySnapshotter(),
});

const fakeDiffPlugin: Plugin = plugin({
  slot: grpcSlot,
  id: 'diff',
  config: noConfig,
  needs: { content: contentServiceSlot },
  start: ({ needs: { content } }) => diffRoutes((scope) => fakeDiffer(content(scope))),
});

const fakeRuntimePlugin = (programs: FakePrograms): Plugin =>
  plugin({
    slot: runtimeSlot,
    id: 'fake',
    config: noConfig,
    needs: { events: eventsSlot },
    start: ({ needs: { events } }) => new FakeRuntime({ programs, events }),
  });

/** Stowage's own metadata, leases, garbage collection and events, on stores and a runtime that are fakes. */
export const fakePlugins = (programs: FakePrograms = {}): readonly Plugin[] => [
  exchangePlugin,
  operationsPlugin,
  memoryContentPlugin,
  memorySnapshotterPlugin,
  metadataPlugin,
  gcPlugin,
  fakeRuntimePlugin(programs),
  taskRouterPlugin,

  namespacesServicePlugin,
  contentServicePlugin,
  snapshotsServicePlugin,
  imagesServicePlugin,
  containersServicePlugin,
  sandboxStorePlugin,
  leasesServicePlugin,
  garbageServicePlugin,
  tasksServicePlugin,
  introspectionServicePlugin,

  namespacesGrpcPlugin,
  contentGrpcPlugin,
  snapshotsGrpcPlugin,
  imagesGrpcPlugin,
  containersGrpcPlugin,
  sandboxesGrpcPlugin,
  leasesGrpcPlugin,
  garbageGrpcPlugin,
  fakeDiffPlugin,
  eventsGrpcPlugin,
  eventHistoryGrpcPlugin,
  operationsGrpcPlugin,
  tasksGrpcPlugin,
  introspectionGrpcPlugin,
  versionGrpcPlugin({ version: '2.3.4+stowage.fakes', revision: 'fakes' }),
];
