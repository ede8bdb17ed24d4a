import { hostPlatform, plugin } from '@stowage/core';
import { snapshotterSlot } from '@stowage/snapshots';
import { parseOverlayConfig } from './options.ts';
import { OverlaySnapshotter } from './overlay-snapshotter.ts';

/** Snapshots on overlayfs, under the name that every client asks for. */
export const overlaySnapshotterPlugin = plugin({
  slot: snapshotterSlot,
  id: 'overlayfs',
  config: parseOverlayConfig,
  defaults: {
    root_path: '',
    upperdir_label: false,
    mount_options: [],
    sync_remove: false,
    slow_chown: false,
  },
  platforms: [hostPlatform()],
  async start({ root, config, exports, capabilities, log, signal }) {
    const at = config.rootPath ?? root;
    exports.set('root', at);
    const snapshotter = await OverlaySnapshotter.open(at, { ...config, log, signal });
    for (const capability of snapshotter.capabilities) capabilities.add(capability);
    return snapshotter;
  },
});
