import { type CallOptions, Fault, LABEL, type Mount, silentLogger } from '@stowage/core';
import { NEEDS_BELOW } from '@stowage/diff';
import { addLabels } from './label.ts';
import {
  commitLayer,
  type Layer,
  type LayerSnapshotsOptions,
  type PreparedLayer,
  prepareLayer,
  removeLayer,
} from './layer-snapshot.ts';
import type { UnpackOptions } from './unpack.ts';

/** Unpacks single layers of an image. */
export class LayerUnpack {
  readonly #options: UnpackOptions;
  readonly #snapshots: LayerSnapshotsOptions;

  constructor(options: UnpackOptions) {
    this.#options = options;
    this.#snapshots = { snapshotter: options.snapshotter, log: options.log ?? silentLogger };
  }

  /** Makes the snapshot of a layer on its parent, which is there. */
  async onParent(layer: Layer, index: number, options: CallOptions): Promise<void> {
    const prepared = await this.#prepare(layer, layer.parent, options);
    if (prepared === undefined) return;
    await using hold = new Hold(prepared.key, this.#snapshots);
    await this.#apply(layer, index, prepared.mounts, options);
    await this.#commit(layer, hold, undefined, options);
  }

  /**
   * Unpacks a layer without its parent, which need not be there yet.
   *
   * @returns none if the layer's snapshot is there, else what commits it onto its parent, to be disposed in any case. If
   *   the layer turned out not to do without those below, that unpacks it again, on them.
   */
  async apart(layer: Layer, index: number, options: CallOptions): Promise<ApartLayer | undefined> {
    const prepared = await this.#prepare(layer, '', options);
    if (prepared === undefined) return undefined;
    const hold = new Hold(prepared.key, this.#snapshots);
    const [nothing, again] = [async () => {}, (late: CallOptions) => this.onParent(layer, index, late)];
    let isComplete = false;
    try {
      isComplete = await this.#applyAlone(layer, index, prepared.mounts, options);
    } finally {
      if (!isComplete) await hold[Symbol.asyncDispose]();
    }
    if (!isComplete) return { commit: again, [Symbol.asyncDispose]: nothing };
    return {
      commit: (late) => this.#commit(layer, hold, layer.parent, late),
      [Symbol.asyncDispose]: () => hold[Symbol.asyncDispose](),
    };
  }

  async #prepare(layer: Layer, parent: string, options: CallOptions): Promise<PreparedLayer | undefined> {
    const prepared = await prepareLayer(layer, parent, this.#snapshots, options);
    if (prepared === undefined) this.#progress(layer, 'exists', layer.blob.size);
    return prepared;
  }

  /** @returns false if the layer needs those below it. */
  async #applyAlone(
    layer: Layer,
    index: number,
    mounts: readonly Mount[],
    options: CallOptions,
  ): Promise<boolean> {
    if (layer.parent === '') {
      await this.#apply(layer, index, mounts, options);
      return true;
    }
    try {
      const { annotations } = await this.#apply(layer, index, asLayer(mounts), options);
      return annotations?.[NEEDS_BELOW] !== 'true';
    } catch (e) {
      // A hard link to a file of below, say. If it is something else, it comes again.
      if (Fault.is(e, 'failed_precondition')) return false;
      throw e;
    }
  }

  async #apply(layer: Layer, index: number, mounts: readonly Mount[], { signal }: CallOptions) {
    const { differ, ready } = this.#options;
    const { blob, diffId } = layer;
    await ready?.(blob, index);
    this.#progress(layer, 'running', 0n);
    const onProgress = (bytes: bigint) => this.#progress(layer, 'running', bytes);
    const unpacked = await differ.apply(blob, mounts, { signal, onProgress });
    if (unpacked.digest !== diffId) {
      throw new Fault(
        'failed_precondition',
        `unpack ${blob.digest}: it holds ${unpacked.digest}, and the config says ${diffId}`,
      );
    }
    return unpacked;
  }

  async #commit(layer: Layer, hold: Hold, parent: string | undefined, options: CallOptions): Promise<void> {
    const { blob, diffId } = layer;
    if (await commitLayer(layer, hold.key, parent, this.#snapshots, options)) hold.letGo();
    await addLabels(this.#options.content, blob.digest, { [LABEL.uncompressed]: diffId }, options);
    this.#progress(layer, 'done', blob.size);
  }

  #progress({ blob }: Layer, state: 'running' | 'done' | 'exists', bytes: bigint): void {
    this.#options.onProgress?.({ stage: 'unpack', descriptor: blob, state, bytes });
  }
}

/** A layer that was unpacked apart. */
export interface ApartLayer extends AsyncDisposable {
  /** Makes its snapshot on that of its parent, which is there by now. */
  commit(options: CallOptions): Promise<void>;
}

/** An active snapshot that is removed unless it was committed. */
class Hold implements AsyncDisposable {
  readonly key: string;
  readonly #snapshots: LayerSnapshotsOptions;
  #isOurs = true;

  constructor(key: string, snapshots: LayerSnapshotsOptions) {
    this.key = key;
    this.#snapshots = snapshots;
  }

  letGo(): void {
    this.#isOurs = false;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#isOurs) await removeLayer(this.key, this.#snapshots);
    this.#isOurs = false;
  }
}

/**
 * Has the differ write down what the layer does to those below, instead of doing it: what is bound is an overlay's upper
 * directory. So containerd's clients put it (core/unpack/unpacker.go).
 */
function asLayer(mounts: readonly Mount[]): readonly Mount[] {
  const [mount] = mounts;
  if (mount?.type !== 'bind' || mounts.length > 1) return mounts;
  const options = mount.options.filter((option) => option !== 'rbind' && option !== 'bind');
  return [{ type: 'overlay', source: 'overlay', options: [...options, `upperdir=${mount.source}`] }];
}
