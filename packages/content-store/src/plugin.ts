import { contentSlot } from '@stowage/content';
import { noConfig, plugin } from '@stowage/core';
import { LocalContentStore } from './local-content-store.ts';

/** The local store as the daemon's only one, in the plugin's root. */
export const contentStorePlugin = plugin({
  slot: contentSlot,
  id: 'content',
  config: noConfig,
  start({ root, exports, signal }) {
    exports.set('root', root);
    return LocalContentStore.open(root, { signal });
  },
});
