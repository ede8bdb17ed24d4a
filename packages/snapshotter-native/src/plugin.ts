import { hostPlatform, plugin } from '@stowage/core';
import { snapshotterSlot } from '@stowage/snapshots';
import { NativeSnapshotter } from './native-snapshotter.ts';
import { parseNativeConfig } from './options.ts';

/** Snapshots that are copies, for where overlayfs does not work. */
export const nativeSnapshotterPlugin = plugin({
  slot: snapshotterSlot,
  id: 'native',
  config: parseNativeConfig,
  defaults: { root_path: '' },
  platforms: [hostPlatform()],
  start({ root, config, exports, log, signal }) {
    const at = config.rootPath ?? root;
    exports.set('root', at);
    return NativeSnapshotter.open(at, { log, signal });
  },
});
