import { type Graph, Walk } from '@stowage/gc';
import type { Witness } from '../ledger/ledger.ts';
import type { Pieces } from './pieces.ts';

/**
 * What is live in one collection: what can be reached in the graph as it was read, from its roots and from whatever
 * writers have named since before it was read. So what became unreachable meanwhile stays until the next collection,
 * and what became reachable is never taken for garbage:
 *
 * - A record that is written tells its own key and the keys of all it names, at the moment in which it gets its place
 *   among the writes. So does an edge of a lease, and an answer that says an object is there.
 * - From each of these the graph leads on. An object that was there when the graph was read has since told whatever it
 *   names newly; one that was not is never swept in this collection.
 * - A holder that was not there is in the graph as well, if back references name it.
 */
export class Cycle implements Witness {
  #walk: Walk | undefined;
  readonly #early = new Set<string>();

  touch(keys: Iterable<string>): void {
    for (const key of keys)
      if (this.#walk === undefined) this.#early.add(key);
      else this.#walk.from(key);
  }

  /** Finds what can be reached. Others get their turn meanwhile. */
  async mark(graph: Graph, pieces: Pieces): Promise<void> {
    const walk = new Walk(graph);
    for (const key of this.#early) walk.from(key);
    this.#walk = walk;
    for (const root of graph.roots) walk.from(root);
    while (!walk.advance(pieces.size)) await pieces.pause();
  }

  /** Whether an object stays, by all that was told before this call. */
  isLive(key: string): boolean {
    this.#walk?.advance();
    return this.#walk === undefined || this.#walk.has(key);
  }
}
