import { int32, Numbers, uint8 } from './numbers.ts';
import type { ObjectGraph } from './object-graph.ts';

const FULL = 1;
const FLAT = 2;

/** What can be reached so far; goes on from wherever it is told to. Walks as `walk` of @stowage/gc does. */
export class Marking {
  readonly #graph: ObjectGraph;
  readonly #reached = new Numbers(uint8);
  readonly #waiting = new Numbers(int32);
  readonly #waitingFlat = new Numbers(int32);
  #count = 0;
  #countFlat = 0;

  constructor(graph: ObjectGraph) {
    this.#graph = graph;
  }

  /** Sets out from an object too. */
  from(object: number): void {
    if ((this.#reached.at(object) & FULL) !== 0) return;
    this.#waiting.set(this.#count, object);
    this.#count += 1;
  }

  has(object: number): boolean {
    return this.#reached.at(object) !== 0;
  }

  /** Goes on for at most so many steps. @returns whether it came to its end. */
  advance(steps = Number.POSITIVE_INFINITY): boolean {
    for (let left = steps; left > 0; left -= 1) {
      if (this.#count > 0) {
        this.#count -= 1;
        this.#enter(this.#waiting.at(this.#count));
      } else if (this.#countFlat > 0) {
        this.#countFlat -= 1;
        this.#enterFlat(this.#waitingFlat.at(this.#countFlat));
      } else return true;
    }
    return this.#count + this.#countFlat === 0;
  }

  #enter(object: number): void {
    const graph = this.#graph;
    const reached = this.#reached.at(object);
    if ((reached & FULL) !== 0) return;
    this.#reached.set(object, reached | FULL);
    const isFlat = graph.isFlat(object);
    for (let link = graph.firstLink(object); link !== 0; link = graph.nextLink(link)) {
      if (isFlat) this.#fromFlat(graph.targetOf(link));
      else this.from(graph.targetOf(link));
    }
  }

  #enterFlat(object: number): void {
    const reached = this.#reached.at(object);
    if ((reached & FLAT) !== 0) return;
    this.#reached.set(object, reached | FLAT);
    const parent = this.#graph.parentOf(object);
    if (parent >= 0) this.#fromFlat(parent);
  }

  #fromFlat(object: number): void {
    this.#waitingFlat.set(this.#countFlat, object);
    this.#countFlat += 1;
  }
}
