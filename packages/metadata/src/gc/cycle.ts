import type { Witness } from '../ledger/ledger.ts';
import { Marking } from './marking.ts';
import type { ObjectGraph } from './object-graph.ts';
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
  readonly #graph: ObjectGraph;
  readonly #marking: Marking;
  #isRead = false;

  /** @param graph - about to be read. */
  constructor(graph: ObjectGraph) {
    this.#graph = graph;
    this.#marking = new Marking(graph);
  }

  touch(keys: Iterable<string>): void {
    for (const key of keys) {
      const object = this.#isRead ? this.#graph.find(key) : this.#graph.numberOf(key);
      if (object >= 0) this.#marking.from(object);
    }
  }

  /** Finds what can be reached, now that all of the graph is read. Others get their turn meanwhile. */
  async mark(roots: readonly number[], pieces: Pieces): Promise<void> {
    this.#isRead = true;
    for (const root of roots) this.#marking.from(root);
    while (!this.#marking.advance(pieces.size)) await pieces.pause();
  }

  /** Whether an object stays, by all that was told before this call. */
  isLive(object: number): boolean {
    this.#marking.advance();
    return this.#marking.has(object);
  }
}
