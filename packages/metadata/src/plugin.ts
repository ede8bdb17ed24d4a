import { dirname } from 'node:path';
import { containerServiceSlot } from '@stowage/containers';
import { contentServiceSlot, contentSlot, verificationServiceSlot } from '@stowage/content';
import { Fault, live, noConfig, optional, type Plugin, plugin, Skip } from '@stowage/core';
import { eventsSlot } from '@stowage/events';
import { garbageServiceSlot } from '@stowage/gc';
import { imageServiceSlot } from '@stowage/images';
import { leaseServiceSlot } from '@stowage/leases';
import { mountManagerSlot, mountServiceSlot } from '@stowage/mounts';
import { namespaceServiceSlot } from '@stowage/namespaces';
import { operationsSlot } from '@stowage/operations';
import { grpcSlot } from '@stowage/rpc';
import { sandboxStoreSlot } from '@stowage/sandboxes';
import { snapshotServiceSlot, snapshotterSlot } from '@stowage/snapshots';
import { checkRoutes } from './check/service.ts';
import { METADATA_DEFAULTS, parseMetadataConfig } from './content/config.ts';
import { evidenceBeside } from './database/evidence.ts';
import { GC_DEFAULTS, gcSlot, parseGcConfig } from './gc/config.ts';
import { Metadata, metadataSlot } from './metadata.ts';

/** The database, over whichever backends are composed. */
export const metadataPlugin: Plugin = plugin({
  slot: metadataSlot,
  id: 'level',
  config: parseMetadataConfig,
  defaults: METADATA_DEFAULTS,
  needs: {
    content: optional(contentSlot),
    snapshotters: live(snapshotterSlot),
    mounts: optional(mountManagerSlot),
    events: optional(eventsSlot),
    operations: optional(operationsSlot),
  },
  start: ({
    root,
    config: { contentSharing },
    needs: { content, snapshotters, mounts, events, operations },
    log,
    signal,
  }) =>
    Metadata.open(root, {
      content,
      contentSharing,
      snapshotters,
      mounts,
      events,
      operations,
      log,
      signal,
      evidence: () => evidenceBeside(dirname(root)),
    }),
});

export const namespacesServicePlugin: Plugin = plugin({
  slot: namespaceServiceSlot,
  id: 'namespaces-service',
  config: noConfig,
  needs: { metadata: metadataSlot },
  start: ({ needs: { metadata } }) => metadata.namespaces,
});

export const imagesServicePlugin: Plugin = plugin({
  slot: imageServiceSlot,
  id: 'images-service',
  config: noConfig,
  needs: { metadata: metadataSlot },
  start:
    ({ needs: { metadata } }) =>
    (scope) =>
      metadata.scope(scope).images,
});

export const containersServicePlugin: Plugin = plugin({
  slot: containerServiceSlot,
  id: 'containers-service',
  config: noConfig,
  needs: { metadata: metadataSlot },
  start:
    ({ needs: { metadata } }) =>
    (scope) =>
      metadata.scope(scope).containers,
});

/** The store of sandboxes, for which containerd has a plugin type of its own. */
export const sandboxStorePlugin: Plugin = plugin({
  slot: sandboxStoreSlot,
  id: 'local',
  config: noConfig,
  needs: { metadata: metadataSlot },
  start:
    ({ needs: { metadata } }) =>
    (scope) =>
      metadata.scope(scope).sandboxes,
});

export const leasesServicePlugin: Plugin = plugin({
  slot: leaseServiceSlot,
  id: 'leases-service',
  config: noConfig,
  needs: { metadata: metadataSlot },
  start:
    ({ needs: { metadata } }) =>
    (scope) =>
      metadata.scope(scope).leases,
});

export const contentServicePlugin: Plugin = plugin({
  slot: contentServiceSlot,
  id: 'content-service',
  config: noConfig,
  needs: { metadata: metadataSlot },
  start({ needs: { metadata } }) {
    if (!metadata.hasContent) throw new Skip('there is no content store (io.containerd.content.v1)');
    return (scope) => {
      const { content } = metadata.scope(scope);
      if (content === undefined) throw new Fault('unimplemented', 'there is no content store');
      return content;
    };
  },
});

export const verificationServicePlugin: Plugin = plugin({
  slot: verificationServiceSlot,
  id: 'verification-service',
  config: noConfig,
  needs: { metadata: metadataSlot },
  start({ needs: { metadata } }) {
    if (!metadata.hasContent) throw new Skip('there is no content store (io.containerd.content.v1)');
    return (scope) => {
      const { verifier } = metadata.scope(scope);
      if (verifier === undefined) throw new Fault('unimplemented', 'there is no content store');
      return verifier;
    };
  },
});

export const snapshotsServicePlugin: Plugin = plugin({
  slot: snapshotServiceSlot,
  id: 'snapshots-service',
  config: noConfig,
  needs: { metadata: metadataSlot },
  start({ needs: { metadata } }) {
    if (metadata.snapshotters.length === 0)
      throw new Skip('there is no snapshotter (io.containerd.snapshotter.v1)');
    return {
      get names() {
        return metadata.snapshotters;
      },
      snapshotter: (scope, name) => metadata.scope(scope).snapshotter(name),
    };
  },
});

export const mountsServicePlugin: Plugin = plugin({
  slot: mountServiceSlot,
  id: 'mounts-service',
  config: noConfig,
  needs: { metadata: metadataSlot },
  start({ needs: { metadata } }) {
    if (!metadata.hasMounts) throw new Skip('there is no mount manager (io.containerd.mount-manager.v1)');
    return (scope) => {
      const { mounts } = metadata.scope(scope);
      if (mounts === undefined) throw new Fault('unimplemented', 'there is no mount manager');
      return mounts;
    };
  },
});

/** Answers on the daemon's socket whether what it remembers is whole. */
export const metadataGrpcPlugin: Plugin = plugin({
  slot: grpcSlot,
  id: 'metadata',
  config: noConfig,
  needs: { metadata: metadataSlot },
  start: ({ needs: { metadata } }) => checkRoutes(metadata),
});

/** Collects garbage while it runs. Without it, only what asks for it (`sync`) does. */
export const gcPlugin: Plugin = plugin({
  slot: gcSlot,
  id: 'scheduler',
  config: parseGcConfig,
  defaults: GC_DEFAULTS,
  needs: { metadata: metadataSlot },
  start: ({ needs: { metadata }, config }) => metadata.schedule(config),
});

/** Tells what keeps things; without a scheduler too. */
export const garbageServicePlugin: Plugin = plugin({
  slot: garbageServiceSlot,
  id: 'garbage-service',
  config: noConfig,
  needs: { metadata: metadataSlot },
  start:
    ({ needs: { metadata } }) =>
    (scope) =>
      metadata.inspector(scope),
});

/** Every service of this package; each does without the others. */
export const services: readonly Plugin[] = [
  namespacesServicePlugin,
  imagesServicePlugin,
  containersServicePlugin,
  sandboxStorePlugin,
  leasesServicePlugin,
  contentServicePlugin,
  verificationServicePlugin,
  snapshotsServicePlugin,
  mountsServicePlugin,
  garbageServicePlugin,
];
