import { randomBytes } from 'node:crypto';
import type { ContentStore } from '@stowage/content';
import {
  type CallOptions,
  type Descriptor,
  Fault,
  LABEL,
  type Mount,
  parseDigest,
  unlessGone,
} from '@stowage/core';
import { openLease } from '@stowage/leases';
import type { Services } from './services.ts';

/** What a container changed, as a layer. It is held until this is disposed. */
export interface PackedChanges extends AsyncDisposable {
  readonly layer: Descriptor;
  /** The files that it was made on; none if there were none. */
  readonly lower: readonly Mount[];
  /** Services that hold what is made through them as long as the layer. */
  readonly services: Services;
}

export interface PackOptions extends CallOptions {
  /** Of the layer. Default: gzip-compressed. */
  readonly mediaType?: string | undefined;
}

/**
 * Packs what a container's files differ by from those that it was made on. Packed is what the daemon sees at the moment:
 * pause a container that writes.
 *
 * @throws Fault `failed_precondition` if it has no snapshot, or a file changes while it is read.
 */
export async function packChanges(
  services: Services,
  id: string,
  { mediaType, signal }: PackOptions = {},
): Promise<PackedChanges> {
  const { snapshotter: name, snapshotKey: key } = await services.containers.get(id, { signal });
  if (key === '') throw new Fault('failed_precondition', `changes of ${id}: it has no snapshot`);
  const lease = await openLease(services.leases, { signal });
  const leased = services.leased(lease.id);
  const snapshots = leased.snapshotter(name);
  const view = `${key}-below-${randomBytes(4).toString('hex')}`;
  const dispose = async () => {
    try {
      await unlessGone(snapshots.remove(view));
    } finally {
      await lease[Symbol.asyncDispose]();
    }
  };
  try {
    const { parent } = await snapshots.stat(key, { signal });
    const lower = parent === '' ? [] : await snapshots.view(view, parent, { signal });
    const upper = await snapshots.mounts(key, { signal });
    const layer = await leased.differ.diff(lower, upper, { mediaType, signal });
    return { layer, lower, services: leased, [Symbol.asyncDispose]: dispose };
  } catch (e) {
    await dispose();
    throw e;
  }
}

/** The digest of a layer uncompressed, as whoever packed it noted. */
export async function diffIdOf(
  content: Pick<ContentStore, 'info'>,
  { digest }: Descriptor,
  options: CallOptions,
) {
  const { labels } = await content.info(digest, options);
  return parseDigest(labels[LABEL.uncompressed] ?? digest);
}
