import { live, noConfig, optional, plugin, Skip } from '@stowage/core';
import { grpcSlot } from '@stowage/rpc';
import { rawSnapshotService } from './raw.ts';
import { snapshotRoutes } from './service.ts';
import { snapshotServiceSlot, snapshotterSlot } from './snapshotter.ts';

/**
 * Puts snapshots.v1 on the daemon's server: from the metadata service, or, where none is composed, straight from the
 * snapshotters, whatever namespace a caller names.
 */
export const snapshotsGrpcPlugin = plugin({
  slot: grpcSlot,
  id: 'snapshots',
  config: noConfig,
  needs: { service: optional(snapshotServiceSlot), backends: live(snapshotterSlot) },
  start({ needs: { service, backends } }) {
    if (service === undefined && backends.size === 0) throw new Skip('no snapshotter is loaded');
    return snapshotRoutes(service ?? rawSnapshotService(backends));
  },
});
