import type { CallOptions, Mount } from '@stowage/core';
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
import { checkOverlay, kernelOptions } from './probe.ts';

const UPPERDIR_LABEL = 'containerd.io/snapshot/overlay.upperdir';

/**
 * Snapshots on overlayfs. Each is one directory with its own files, mounted on top of its parents'.
 *
 *     <root>/snapshots/<id>/fs     the files
 *     <root>/snapshots/<id>/work   overlayfs's own, of active snapshots
 *     <root>/metadata/             the index
 */
export interface OverlaySnapshotter extends Snapshotter, AsyncDisposable {}

export const OverlaySnapshotter = {
  /**
   * @param root - A directory of its own on a local file system, which is made if absent.
   * @throws Skip if overlayfs does not work there, saying why; Fault `failed_precondition` if another process uses it,
   *   `data_loss` if its index is damaged.
   */
  async open(root: string, options: OverlayOptions = {}): Promise<OverlaySnapshotter> {
    options.signal?.throwIfAborted();
    await privateDirectory(root);
    // The kernel lists its options once overlay is loaded, which the first mount does.
    if (options.skipProbe !== true) await checkOverlay(root, options.mountOptions ?? []);
    const mountOptions = await kernelOptions(options.mountOptions ?? []);
    options.signal?.throwIfAborted();
    return DirectorySnapshotter.open(root, new OverlayDriver(mountOptions, options.upperdirLabel), options);
  },
};

class OverlayDriver implements LayerDriver {
  readonly #trees = new Trees();
  readonly #mountOptions: readonly string[];
  readonly #upperdirLabel: boolean;

  constructor(mountOptions: readonly string[], upperdirLabel = false) {
    this.#mountOptions = mountOptions;
    this.#upperdirLabel = upperdirLabel;
  }

  make(directory: string, below: string | undefined, kind: 'active' | 'view'): Promise<void> {
    return makeLayer(directory, below, kind === 'active');
  }

  mounts(snapshot: StoredSnapshot, pathOf: (id: number) => string): Mount[] {
    return mountsOf(snapshot, pathOf, this.#mountOptions);
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
