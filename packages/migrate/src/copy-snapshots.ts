import { randomUUID } from 'node:crypto';
import { type Descriptor, type Mount, unlessGone } from '@stowage/core';
import type { Snapshotter } from '@stowage/snapshots';
import type { Both } from './both.ts';
import { copyBlob } from './copy-content.ts';

/** Copies snapshots of one snapshotter, each as what differs from its parent. */
export class SnapshotCopy {
  readonly #both: Both;
  readonly #from: Snapshotter;
  readonly #to: Snapshotter;

  constructor(both: Both, snapshotter: string) {
    this.#both = both;
    this.#from = both.from.services.snapshotter(snapshotter);
    this.#to = both.to.services.snapshotter(snapshotter);
  }

  /** A committed one, with those that it is based on. One that is there of that name is taken for the same. */
  async committed(name: string): Promise<void> {
    const { signal } = this.#both;
    if (name === '' || (await unlessGone(this.#to.stat(name, { signal }))) !== undefined) return;
    const { parent, labels } = await this.#from.stat(name, { signal });
    await this.committed(parent);
    await using upper = await this.#view(name);
    const key = `migrate ${randomUUID()}`;
    await this.#fill(key, parent, upper.mounts);
    await this.#to.commit(name, key, { labels, signal });
  }

  /** What a container writes to, as it is now. */
  async active(key: string): Promise<void> {
    const { signal } = this.#both;
    const { parent, labels } = await this.#from.stat(key, { signal });
    await this.committed(parent);
    await this.#fill(key, parent, await this.#from.mounts(key, { signal }));
    await this.#to.update(key, labels, [], { signal });
  }

  /** Makes an active snapshot there of what these mounts show here. */
  async #fill(key: string, parent: string, upper: readonly Mount[]): Promise<void> {
    const { to, signal } = this.#both;
    const layer = await this.#packed(parent, upper);
    const mounts = await this.#to.prepare(key, parent, { signal });
    try {
      await to.services.differ.apply(layer, mounts, { signal });
    } catch (e) {
      await this.#to.remove(key);
      throw e;
    }
  }

  async #packed(parent: string, upper: readonly Mount[]): Promise<Descriptor> {
    const { from, to, signal } = this.#both;
    await using lower = await this.#view(parent);
    const layer = await from.services.differ.diff(lower.mounts, upper, { ref: randomUUID(), signal });
    const { content } = from.services;
    const { sizeBytes, labels } = await content.info(layer.digest, { signal });
    await copyBlob(content, to.services.content, { digest: layer.digest, sizeBytes, labels }, { signal });
    return layer;
  }

  async #view(name: string): Promise<{ readonly mounts: readonly Mount[] } & AsyncDisposable> {
    if (name === '') return { mounts: [], async [Symbol.asyncDispose]() {} };
    const key = `migrate ${randomUUID()}`;
    const mounts = await this.#from.view(key, name, { signal: this.#both.signal });
    return { mounts, [Symbol.asyncDispose]: () => this.#from.remove(key) };
  }
}
