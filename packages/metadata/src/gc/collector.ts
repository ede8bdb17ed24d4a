import { reachable } from '@stowage/gc';
import type { Ledger } from '../ledger/ledger.ts';
import { Cycle } from './cycle.ts';
import { readGraph } from './graph.ts';
import { prune } from './prune.ts';
import { sweep } from './sweep.ts';

/** What one collection did. */
export interface Collected {
  /** Records deleted. */
  readonly removed: number;
  /** Blobs, ingests and snapshots that backends deleted. */
  readonly pruned: number;
  readonly durationMs: number;
  /** When the next thing expires, if anything does. */
  readonly nextExpiry: Date | undefined;
}

/**
 * Marks and sweeps. Writers go on: marking reads the database as it was at one moment, what they make reachable
 * meanwhile is told to the {@link Cycle}, and each object is looked at again under its lock before it goes.
 */
export class Collector implements AsyncDisposable {
  readonly #ledger: Ledger;
  #running: Promise<Collected> | undefined;
  #next: Promise<Collected> | undefined;

  constructor(ledger: Ledger) {
    this.#ledger = ledger;
  }

  /** Runs once more after the run under way, if there is one, whose beginning was before this call. */
  collect(): Promise<Collected> {
    if (this.#running === undefined) return this.#start();
    this.#next ??= this.#running.then(
      () => this.#start(),
      () => this.#start(),
    );
    return this.#next;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.allSettled([this.#running, this.#next]);
  }

  #start(): Promise<Collected> {
    this.#next = undefined;
    this.#running = this.#run().finally(() => {
      this.#running = undefined;
    });
    return this.#running;
  }

  async #run(): Promise<Collected> {
    const began = performance.now();
    const ledger = this.#ledger;
    await ledger.undoIntents();
    const cycle = new Cycle(ledger.db);
    ledger.observe(cycle);
    let removed = 0;
    let nextExpiry: Date | undefined;
    try {
      // A batch that was handed to the disk before anybody observed is in what is read now.
      await ledger.db.idle();
      const graph = await readGraph(ledger);
      nextExpiry = graph.nextExpiry;
      cycle.mark(await reachable(graph));
      removed = await sweep(ledger, graph, cycle);
    } finally {
      ledger.observe(undefined);
    }
    const pruned = await prune(ledger);
    const durationMs = performance.now() - began;
    ledger.log.debug({ removed, pruned, durationMs }, 'collected garbage');
    return { removed, pruned, durationMs, nextExpiry };
  }
}
