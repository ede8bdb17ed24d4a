import type { CallOptions, Mount } from '@stowage/core';
import { rootfsUserLookup, type UserLookup } from '@stowage/oci-spec';
import { mountedApart } from './mounted-apart.ts';

/**
 * Looks users up in a snapshot's files, where this process may see them: root on Linux, on the daemon's machine.
 *
 * @returns undefined where it may not, or where the snapshot takes more than one mount.
 */
export function snapshotUserLookup(mounts: readonly Mount[], options?: CallOptions): UserLookup | undefined {
  const [mount, ...more] = mounts;
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return undefined;
  if (mount === undefined || more.length > 0 || (mount.target ?? '') !== '') return undefined;
  if (mount.type === 'bind') return rootfsUserLookup(mount.source);
  return async () => {
    const purpose = 'look users up in the snapshot';
    await using seen = await mountedApart([mount], { ...options, purpose });
    return await rootfsUserLookup(seen.path)();
  };
}
