import { Fault } from '@stowage/core';
import type { OperationRecorder, RunningOperation } from '@stowage/operations';
import type { Ledger } from '../ledger/ledger.ts';
import { Cycle } from './cycle.ts';
import { readGraph } from './graph.ts';
import { ObjectGraph } from './object-graph.ts';
import { discardOrphans } from './orphans.ts';
import { type PieceOptions, Pieces } from './pieces.ts';
import { prune } from './prune.ts';
import { sweep } from './sweep.ts';

export interface CollectOptions extends PieceOptions {
  /** Also looks for what backends have and nothing names: left over from a crash, or unknown to an older copy. */
  readonly orphans?: boolean | undefined;
}

/** What one collection did. */
export interface Collected {
  /** Records deleted. */
  readonly removed: number;
  /** Blobs, ingests and snapshots that backends deleted. */
  readonly pruned: number;
  readonly durationMs: number;
  /** How much of it went by before the backends' turn. */
  readonly markAndSweepMs: number;
  /** When the next thing expires, if anything does. */
  readonly nextExpiry: Date | undefined;
}

/** One collection, for whoever counts them. */
export interface Collection {
  readonly removed: number;
  readonly pruned: number;
  readonly durationMs: number;
  /** Why it failed. What it did until then is not told. */
  readonly error?: unknown;
}

/**
 * Marks and sweeps. Writers go on: marking reads the database as it was at one moment, what they make reachable
 * meanwhile is told to the {@link Cycle}, and each object is looked at again under its lock before it goes.
 */
export class Collector implements AsyncDisposable {
  readonly #ledger: Ledger;
  readonly #operations: OperationRecorder | undefined;
  readonly #listeners = new Set<(collection: Collection) => void>();
  /** Objects that there will be, by how many there were. */
  #expected: number | undefined;
  #running: Promise<Collected> | undefined;
  #next: { readonly promise: Promise<Collected>; options: CollectOptions } | undefined;

  /** @param operations - told of each collection. */
  constructor(ledger: Ledger, operations?: OperationRecorder) {
    this.#ledger = ledger;
    this.#operations = operations;
  }

  /** Has somebody told of each collection from now on, who must not throw. */
  onCollected(listener: (collection: Collection) => void): Disposable {
    this.#listeners.add(listener);
    return { [Symbol.dispose]: () => void this.#listeners.delete(listener) };
  }

  /** Runs once more after the run under way, if there is one, whose beginning was before this call. */
  collect(options: CollectOptions = {}): Promise<Collected> {
    if (this.#running === undefined) return this.#start(options);
    if (this.#next === undefined) {
      const start = () => this.#start(this.#next?.options ?? options);
      this.#next = { promise: this.#running.then(start, start), options };
    } else {
      const orphans = this.#next.options.orphans || options.orphans;
      this.#next.options = { ...this.#next.options, ...options, orphans };
    }
    return this.#next.promise;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.allSettled([this.#running, this.#next?.promise]);
  }

  #start(options: CollectOptions): Promise<Collected> {
    this.#next = undefined;
    this.#running = this.#told(options).finally(() => {
      this.#running = undefined;
    });
    return this.#running;
  }

  async #told(options: CollectOptions): Promise<Collected> {
    await using operation = this.#operations?.begin('', { kind: 'gc', subject: '', cancelable: false });
    const began = performance.now();
    const tell = (collection: Collection) => {
      for (const listener of this.#listeners) listener(collection);
    };
    try {
      const collected = await this.#run(options, operation);
      tell(collected);
      await operation?.end();
      return collected;
    } catch (error) {
      tell({ removed: 0, pruned: 0, durationMs: performance.now() - began, error });
      await operation?.end(error);
      throw error;
    }
  }

  async #run(options: CollectOptions, operation: RunningOperation | undefined): Promise<Collected> {
    const began = performance.now();
    const ledger = this.#ledger;
    const pieces = new Pieces(options);
    await ledger.undoIntents({ ifFree: true });
    const graph = new ObjectGraph(this.#expected);
    const cycle = new Cycle(graph);
    ledger.observe(cycle);
    let removed = 0;
    let nextExpiry: Date | undefined;
    try {
      operation?.phase('mark');
      await pieces.pause();
      await written(ledger);
      const reading = await readGraph(ledger, graph, pieces);
      this.#expected = Math.ceil(graph.size * 1.25);
      nextExpiry = reading.nextExpiry;
      await cycle.mark(reading.roots, pieces);
      operation?.phase('sweep');
      removed = await sweep(ledger, graph, cycle, pieces);
    } finally {
      ledger.observe(undefined);
    }
    const markAndSweepMs = performance.now() - began;
    operation?.phase('prune');
    if (options.orphans) await discardOrphans(ledger, pieces);
    const pruned = await prune(ledger, pieces);
    const durationMs = performance.now() - began;
    ledger.log.debug({ removed, pruned, durationMs, markAndSweepMs }, 'collected garbage');
    return { removed, pruned, durationMs, markAndSweepMs, nextExpiry };
  }
}

/**
 * Settles when all is on disk that had its place among the writes before this call, and so was told to nobody: a write
 * gets its place when the one before it is on disk. This one gives its place up, so nothing is written.
 */
async function written({ db }: Ledger): Promise<void> {
  const nothing = new Fault('aborted', 'nothing to write');
  try {
    await db.commit(db.epoch, () => {
      throw nothing;
    });
  } catch (e) {
    if (e !== nothing) throw e;
  }
}
