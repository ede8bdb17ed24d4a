import { type Descriptor, Fault } from '@stowage/core';

/** Most documents of one image. */
const MAX_DOCUMENTS = 10_000;

/**
 * Walks a graph of descriptors breadth first, each digest once. Small indexes that point at each other's children
 * many times over make millions of paths (CVE-2026-53493), but no more digests than were written.
 */
export class Visits {
  readonly #root: Descriptor;
  readonly #seen = new Set<string>();
  readonly #queue: Descriptor[] = [];
  #taken = 0;

  constructor(root: Descriptor) {
    this.#root = root;
    this.add([root]);
  }

  /** @throws Fault `resource_exhausted` beyond ten thousand digests. */
  add(descriptors: Iterable<Descriptor>): void {
    for (const descriptor of descriptors) {
      if (this.#seen.has(descriptor.digest)) continue;
      this.#seen.add(descriptor.digest);
      this.#queue.push(descriptor);
      if (this.#seen.size > MAX_DOCUMENTS) {
        throw new Fault(
          'resource_exhausted',
          `walk ${this.#root.digest}: more than ${MAX_DOCUMENTS} documents; this is no image to be used`,
        );
      }
    }
  }

  next(): Descriptor | undefined {
    return this.#queue[this.#taken++];
  }
}
