import { type CallOptions, Fault, type Mount } from '@stowage/core';
import { Trees } from '@stowage/linux/trees';
import type { SnapshotInfo, Snapshotter, Usage } from '@stowage/snapshots';
import {
  DirectorySnapshotter,
  type LayerDriver,
  privateDirectory,
  type StoredSnapshot,
} from '@stowage/snapshots-store';
import { makeLayer } from './layer.ts';
import { mountsOf, upperOf } from './mounts.ts';
import type { OverlayOptions } from './options.ts';
import { type OverlayFacts, probeOverlay, settled } from './probe.ts';
import { remapOf } from './remap.ts';

const UPPERDIR_LABEL = 'containerd.io/snapshot/overlay.upperdir';

/**
 * Snapshots on overlayfs. Each is one directory with its own files, mounted on top of its parents'.
 *
 *     <root>/snapshots/<id>/fs     the files
 *     <root>/snapshots/<id>/work   overlayfs's own, of active snapshots
 *     <root>/metadata/             the index
 */
export interface OverlaySnapshotter extends Snapshotter, AsyncDisposable {
  /** What it can do here, as containerd names it. */
  readonly capabilities: ReadonlySet<OverlayCapability>;
}

/**
 * `rebase`: takes a parent at commit. `remap-ids`: shows layers with the ids that the labels
 * `containerd.io/snapshot/uidmapping` and `gidmapping` ask for. `only-remap-ids`: that, or clients are to give up, not
 * to change the owners of all files.
 *
 * @see containerd plugins/snapshots/overlay/plugin
 */
export type OverlayCapability = 'rebase' | 'remap-ids' | 'only-remap-ids';

export const OverlaySnapshotter = {
  /**
   * @param root - A directory of its own on a local file system, which is made if absent.
   * @throws Skip if overlayfs does not work there, saying why; Fault `failed_precondition` if another process uses it,
   *   `data_loss` if its index is damaged.
   */
  async open(root: string, options: OverlayOptions = {}): Promise<OverlaySnapshotter> {
    const { mountOptions: asked = [], upperdirLabel = false, slowChown = false, signal } = options;
    signal?.throwIfAborted();
    await privateDirectory(root);
    const facts =
      options.skipProbe === true
        ? { options: [...asked, ...(await settled(asked, false))], remapsIds: false, userNamespace: false }
        : await probeOverlay(root, asked);
    signal?.throwIfAborted();
    const snapshotter = await DirectorySnapshotter.open(
      root,
      new OverlayDriver(facts, upperdirLabel),
      options,
    );
    return Object.assign(snapshotter, { capabilities: capabilitiesOf(facts, slowChown) });
  },
};

/** Without whiteouts made by hand there is nothing to rebase: containerd claims none in a user namespace either. */
function capabilitiesOf(
  { remapsIds, userNamespace }: OverlayFacts,
  slowChown: boolean,
): Set<OverlayCapability> {
  return new Set<OverlayCapability>([
    ...(remapsIds ? (['remap-ids'] as const) : []),
    ...(slowChown ? [] : (['only-remap-ids'] as const)),
    ...(userNamespace ? [] : (['rebase'] as const)),
  ]);
}

class OverlayDriver implements LayerDriver {
  readonly rebases: boolean;
  readonly #trees = new Trees();
  readonly #facts: OverlayFacts;
  readonly #upperdirLabel: boolean;

  constructor(facts: OverlayFacts, upperdirLabel: boolean) {
    this.#facts = facts;
    this.#upperdirLabel = upperdirLabel;
    this.rebases = !facts.userNamespace;
  }

  async make(directory: string, below: string | undefined, { kind, labels }: SnapshotInfo): Promise<void> {
    const remap = remapOf(labels);
    if (remap !== undefined && !this.#facts.remapsIds)
      throw new Fault(
        'unimplemented',
        'ids of layers cannot be mapped here: that takes kernel 5.19 and a file system that can',
      );
    await makeLayer(directory, below, kind === 'active', remap);
  }

  mounts(snapshot: StoredSnapshot, pathOf: (id: number) => string): Mount[] {
    return mountsOf(snapshot, pathOf, this.#facts.options);
  }

  usage(directory: string, options: CallOptions): Promise<Usage> {
    return this.#trees.usage(upperOf(directory), options);
  }

  sync(directory: string, options: CallOptions): Promise<void> {
    return this.#trees.syncfs(upperOf(directory), options);
  }

  remove(directory: string, options: CallOptions): Promise<void> {
    return this.#trees.remove(directory, options);
  }

  info(info: SnapshotInfo, directory: string): SnapshotInfo {
    if (!this.#upperdirLabel) return info;
    const labels: Record<string, string> = Object.assign(Object.create(null), info.labels);
    labels[UPPERDIR_LABEL] = upperOf(directory);
    return { ...info, labels };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#trees[Symbol.asyncDispose]();
  }
}
