import { chmod, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { CallOptions, Mount } from '@stowage/core';
import { Trees } from '@stowage/linux/trees';
import type { SnapshotInfo, Snapshotter, Usage } from '@stowage/snapshots';
import { DirectorySnapshotter, type LayerDriver, type StoredSnapshot } from '@stowage/snapshots-store';
import type { NativeOptions } from './options.ts';

/**
 * Snapshots that are whole copies of their parents: slow and large, but they work on every file system and need no
 * kernel feature. Where the file system can share blocks between files (btrfs, xfs), a copy takes little room.
 *
 *     <root>/snapshots/<id>/fs   the files
 *     <root>/metadata/           the index
 */
export interface NativeSnapshotter extends Snapshotter, AsyncDisposable {}

export const NativeSnapshotter = {
  /**
   * @param root - A directory of its own, which is made if absent.
   * @throws Fault `failed_precondition` if another process uses it, `data_loss` if its index is damaged.
   */
  async open(root: string, options: NativeOptions = {}): Promise<NativeSnapshotter> {
    options.signal?.throwIfAborted();
    return DirectorySnapshotter.open(root, new NativeDriver(), options);
  },
};

const filesOf = (directory: string): string => join(directory, 'fs');

class NativeDriver implements LayerDriver {
  readonly #trees = new Trees();

  async make(
    directory: string,
    below: string | undefined,
    { kind }: SnapshotInfo,
    options: CallOptions,
  ): Promise<void> {
    const files = filesOf(directory);
    if (kind === 'view' && below !== undefined) return;
    await mkdir(files, { mode: 0o755 });
    if (below === undefined) {
      // mkdir(2) obeys the umask.
      await chmod(files, 0o755);
      return;
    }
    await this.#trees.copy(filesOf(below), files, options);
    await this.#trees.syncfs(files, options);
  }

  /** As containerd does it (plugins/snapshots/native mounts). A view shows its parent's own files. */
  mounts({ id, parentIds: [nearest], info }: StoredSnapshot, pathOf: (id: number) => string): Mount[] {
    const source = filesOf(pathOf(info.kind === 'active' ? id : (nearest ?? id)));
    return [{ type: 'bind', source, options: ['rbind', info.kind === 'active' ? 'rw' : 'ro'] }];
  }

  usage(directory: string, options: CallOptions): Promise<Usage> {
    return this.#trees.usage(filesOf(directory), options);
  }

  sync(directory: string, options: CallOptions): Promise<void> {
    return this.#trees.syncfs(filesOf(directory), options);
  }

  remove(directory: string, options: CallOptions): Promise<void> {
    return this.#trees.remove(directory, options);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#trees[Symbol.asyncDispose]();
  }
}
