import type { Collection, Metadata } from '@stowage/metadata';
import type { Collector } from '../collector.ts';
import type { Family } from '../exposition.ts';
import { Histogram } from '../histogram.ts';

/** Collections take from a millisecond to minutes. */
const SECONDS = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 60];

/**
 * Garbage collections since the start.
 *
 * @see containerd plugins/gc/metrics.go
 */
export class GarbageCollector implements Collector, Disposable {
  readonly name = 'gc';
  readonly #seconds = new Histogram(SECONDS);
  readonly #counts = { success: 0, fail: 0, removed: 0, pruned: 0 };
  readonly #heard: Disposable;

  constructor(metadata: Pick<Metadata, 'onCollected'>) {
    this.#heard = metadata.onCollected((collection) => this.#add(collection));
  }

  collect(): Family[] {
    const { success, fail, removed, pruned } = this.#counts;
    const by = (status: string, value: number) => ({ labels: { status }, value });
    return [
      {
        name: 'containerd_gc_collections_total',
        help: 'Garbage collections.',
        type: 'counter',
        samples: [by('success', success), by('fail', fail)],
      },
      {
        name: 'containerd_gc_gc_seconds',
        help: 'How long garbage collections took.',
        type: 'histogram',
        samples: [...this.#seconds.samples()],
      },
      {
        name: 'stowage_gc_removed_total',
        help: 'Records that garbage collections removed.',
        type: 'counter',
        samples: [{ value: removed }],
      },
      {
        name: 'stowage_gc_pruned_total',
        help: 'Blobs, ingests and snapshots that garbage collections deleted.',
        type: 'counter',
        samples: [{ value: pruned }],
      },
    ];
  }

  #add(collection: Collection): void {
    this.#counts[collection.error === undefined ? 'success' : 'fail'] += 1;
    this.#seconds.observe(collection.durationMs / 1000);
    this.#counts.removed += collection.removed;
    this.#counts.pruned += collection.pruned;
  }

  [Symbol.dispose](): void {
    this.#heard[Symbol.dispose]();
  }
}
