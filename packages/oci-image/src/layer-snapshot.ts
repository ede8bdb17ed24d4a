import { randomBytes } from 'node:crypto';
import {
  type CallOptions,
  type Descriptor,
  type Digest,
  Fault,
  LABEL,
  type Labels,
  type Logger,
  type Mount,
  reasonOf,
  unlessGone,
} from '@stowage/core';
import type { Snapshotter } from '@stowage/snapshots';

/** A layer of an image, and where its snapshot goes. */
export interface Layer {
  readonly blob: Descriptor;
  readonly diffId: Digest;
  readonly chainId: Digest;
  /** Chain id of the one below; empty for none. */
  readonly parent: string;
}

/** Whoever makes the snapshots of layers. */
export interface LayerSnapshotsOptions {
  readonly snapshotter: Snapshotter;
  readonly log: Logger;
}

/** Times that a snapshot said to exist may turn out to be gone. */
const MAX_TRIES = 3;

/**
 * What snapshotters are told of a layer. Annotations of its descriptor are not handed on: an image must not choose, say,
 * who owns its files.
 */
function snapshotLabels({ chainId, diffId, parent }: Layer): Labels {
  return {
    [LABEL.snapshotRef]: chainId,
    [`${LABEL.snapshotPrefix}diff-id`]: diffId,
    ...(parent !== '' && { [`${LABEL.snapshotPrefix}parent-chain-id`]: parent }),
  };
}

/** An active snapshot that nobody else knows. */
export interface PreparedLayer {
  readonly key: string;
  readonly mounts: readonly Mount[];
}

/**
 * Makes an active snapshot to unpack a layer into.
 *
 * @param parent - The layer's, or none if it is to get that at commit.
 * @returns none if the layer's snapshot is there.
 */
export async function prepareLayer(
  layer: Layer,
  parent: string,
  { snapshotter, log }: LayerSnapshotsOptions,
  { signal }: CallOptions,
): Promise<PreparedLayer | undefined> {
  const { chainId } = layer;
  const labels = snapshotLabels(layer);
  for (let tries = 1; ; tries++) {
    const key = unpackKey(chainId);
    let mounts: readonly Mount[];
    try {
      mounts = await snapshotter.prepare(key, parent, { labels, signal });
    } catch (e) {
      if (!Fault.is(e, 'already_exists')) throw e;
      if (await exists(snapshotter, chainId, { signal })) return undefined;
      if (tries >= MAX_TRIES) throw e;
      continue;
    }
    let isNeeded = false;
    try {
      // A snapshotter without the metadata service does not heed the label.
      isNeeded = !(await exists(snapshotter, chainId, { signal }));
    } finally {
      if (!isNeeded) await removeLayer(key, { snapshotter, log });
    }
    return isNeeded ? { key, mounts } : undefined;
  }
}

/**
 * @param parent - Given to a snapshot that was made without: needs the capability `rebase`.
 * @returns false if somebody else was first, which is as good, but leaves our key.
 */
export async function commitLayer(
  layer: Layer,
  key: string,
  parent: string | undefined,
  { snapshotter }: LayerSnapshotsOptions,
  { signal }: CallOptions,
): Promise<boolean> {
  try {
    await snapshotter.commit(layer.chainId, key, { labels: snapshotLabels(layer), parent, signal });
    return true;
  } catch (e) {
    if (Fault.is(e, 'already_exists')) return false;
    throw e;
  }
}

async function exists(snapshotter: Snapshotter, name: string, options: CallOptions): Promise<boolean> {
  return (await unlessGone(snapshotter.stat(name, options))) !== undefined;
}

/** Not given up when the caller gives up, because nobody else knows the key. */
export async function removeLayer(key: string, { snapshotter, log }: LayerSnapshotsOptions): Promise<void> {
  try {
    await snapshotter.remove(key);
  } catch (e) {
    // What made the snapshot useless is the failure to tell; this one leaves garbage that a lease still holds.
    log.warn({ key, error: reasonOf(e) }, 'remove snapshot that was not unpacked');
  }
}

/** The form that tools know a running unpack by: `extract-<nanoseconds>-<random> <chain id>`. */
function unpackKey(chainId: Digest): string {
  const nanoseconds = process.hrtime.bigint() % 1_000_000_000n;
  return `extract-${nanoseconds}-${randomBytes(3).toString('base64url')} ${chainId}`;
}
