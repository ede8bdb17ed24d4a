import { contentServiceSlot } from '@stowage/content';
import { all, noConfig, optional, type Plugin, plugin, pluginListSlot, Skip } from '@stowage/core';
import { diffServiceSlot } from '@stowage/diff';
import { imageServiceSlot } from '@stowage/images';
import { leaseServiceSlot } from '@stowage/leases';
import { operationsSlot } from '@stowage/operations';
import { grpcSlot } from '@stowage/rpc';
import { snapshotServiceSlot, snapshotterSlot } from '@stowage/snapshots';
import { streamManagerSlot } from '@stowage/streaming';
import { TRANSFER_DEFAULTS, transferConfig } from './config.ts';
import { firstTransfers } from './first-of.ts';
import { localTransfers } from './local/index.ts';
import { recordedTransfers } from './recorded.ts';
import { transferRoutes } from './service.ts';
import { transferSlot } from './transfers.ts';

/** The transfers that the daemon does itself. */
export const localTransferPlugin: Plugin = plugin({
  slot: transferSlot,
  id: 'local',
  config: transferConfig,
  defaults: TRANSFER_DEFAULTS,
  needs: {
    content: contentServiceSlot,
    images: imageServiceSlot,
    leases: leaseServiceSlot,
    snapshots: optional(snapshotServiceSlot),
    differ: optional(diffServiceSlot),
    plugins: pluginListSlot,
    operations: optional(operationsSlot),
  },
  start({ needs: { plugins, operations, ...stores }, config: { unused, ...limits }, log }) {
    for (const key of unused) log.warn({ key }, 'this setting has no effect here');
    const capabilitiesOf = (snapshotter: string) =>
      plugins().find(({ type, id }) => type === snapshotterSlot.type && id === snapshotter)?.capabilities ??
      [];
    const transfers = localTransfers({ ...stores, capabilitiesOf, limits, log });
    return operations === undefined ? transfers : recordedTransfers(transfers, operations);
  },
});

/** Offers transfers on the daemon's socket. */
export const transferGrpcPlugin: Plugin = plugin({
  slot: grpcSlot,
  id: 'transfer',
  config: noConfig,
  needs: { transfers: all(transferSlot), streams: streamManagerSlot },
  start({ needs: { transfers, streams } }) {
    if (transfers.size === 0) throw new Skip('nothing that does transfers is loaded');
    return transferRoutes(firstTransfers([...transfers.values()]), streams);
  },
});
