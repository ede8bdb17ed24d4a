import type { Descriptor } from '@stowage/core';
import { type OnProgress, refOf } from '@stowage/oci-image';
import type { TransferOptions, TransferProgress } from '../transfers.ts';

/**
 * Tells steps in containerd's words (core/transfer/local/progress.go): blobs by the refs that they are ingested under,
 * with the names of what points at them.
 */
export class Steps {
  readonly #tell: ((progress: TransferProgress) => void) | undefined;
  readonly #parents = new Map<string, string[]>();
  readonly #begun = new Set<string>();
  #root = '';

  constructor(tell: TransferOptions['onProgress']) {
    this.#tell = tell;
  }

  /** About the whole. */
  say(event: string): void {
    this.#tell?.({ event, name: '', parents: [], bytes: 0n, totalBytes: 0n });
  }

  /** About an image. What comes after belongs to it. */
  image(event: string, name: string, descriptor: Descriptor): void {
    this.#root = name;
    this.#tell?.({ event, name, parents: [], bytes: 0n, totalBytes: 0n, descriptor });
  }

  readonly children = (parent: Descriptor, children: readonly Descriptor[]): void => {
    if (this.#tell === undefined) return;
    for (const { digest } of children) {
      const parents = this.#parents.get(digest) ?? [];
      if (!parents.includes(refOf(parent))) this.#parents.set(digest, [...parents, refOf(parent)]);
    }
  };

  /** About a blob. */
  blob(event: string, descriptor: Descriptor, bytes: bigint): void {
    if (this.#tell === undefined) return;
    const { digest, size } = descriptor;
    const name = refOf(descriptor);
    const parents = this.#parents.get(digest) ?? [this.#root];
    const about = { name, parents, totalBytes: size, descriptor };
    if (!this.#begun.has(name)) {
      this.#begun.add(name);
      this.#tell({ ...about, event: 'waiting', bytes: 0n });
    }
    if (event !== 'waiting') this.#tell({ ...about, event, bytes });
  }

  /** What goes to a registry. */
  readonly pushed: OnProgress = ({ descriptor, state, bytes }) => {
    const event = state === 'running' ? 'uploading' : state === 'done' ? 'complete' : 'already exists';
    this.blob(event, descriptor, bytes);
  };

  /** What comes and is unpacked. */
  readonly fetched: OnProgress = ({ stage, descriptor, state, bytes }) => {
    if (stage === 'unpack') {
      if (state === 'exists') this.blob('already exists', descriptor, descriptor.size);
      else this.blob(state === 'done' ? 'extracted' : 'extracting', descriptor, bytes);
      return;
    }
    const event = state === 'running' ? 'downloading' : state === 'done' ? 'complete' : 'already exists';
    this.blob(event, descriptor, bytes);
  };
}
