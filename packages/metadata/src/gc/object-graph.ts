import { KeyTable } from './key-table.ts';
import { int32, Numbers, uint8 } from './numbers.ts';

const THERE = 1;
const FLAT = 2;

/** What an object keeps, by key. */
export interface Links {
  readonly refs: readonly string[];
  /** What it is nothing without, held even where labels are not followed. It is among the refs too. */
  readonly parent: string | undefined;
  /** A lease that holds its resources, but not what their labels name. */
  readonly isFlat: boolean;
}

/**
 * Objects by number and what they keep, outside of the heap. It has a number for whatever is named, whether or not it is
 * there: something else may live while it does.
 */
export class ObjectGraph {
  readonly #keys: KeyTable;
  readonly #flags = new Numbers(uint8);
  /** These count from 1; 0 is none. */
  readonly #parent = new Numbers(int32);
  readonly #firstLink = new Numbers(int32);
  readonly #nextLink = new Numbers(int32);
  readonly #target = new Numbers(int32);
  #links = 0;

  /** @param expected - How many objects there will be. */
  constructor(expected?: number) {
    this.#keys = new KeyTable(expected);
  }

  /** How many have a number. */
  get size(): number {
    return this.#keys.size;
  }

  /** Puts an object that is there. @returns its number. */
  put(key: string, { refs, parent, isFlat }: Links): number {
    const object = this.#keys.add(key);
    this.#flags.set(object, isFlat ? THERE | FLAT : THERE);
    for (const ref of refs) this.#link(object, this.#keys.add(ref));
    if (parent !== undefined) this.#parent.set(object, this.#keys.add(parent) + 1);
    return object;
  }

  /** Puts that an object keeps another. */
  link(from: string, to: string): void {
    this.#link(this.#keys.add(from), this.#keys.add(to));
  }

  /** The number of whatever has this key. */
  numberOf(key: string): number {
    return this.#keys.add(key);
  }

  /** As {@link numberOf}, but -1 for what is not there and was not named. */
  find(key: string): number {
    return this.#keys.find(key);
  }

  keyOf(object: number): string {
    return this.#keys.keyOf(object);
  }

  isThere(object: number): boolean {
    return (this.#flags.at(object) & THERE) !== 0;
  }

  isFlat(object: number): boolean {
    return (this.#flags.at(object) & FLAT) !== 0;
  }

  /** -1 if it has none. */
  parentOf(object: number): number {
    return this.#parent.at(object) - 1;
  }

  /** The first of what an object keeps, as a number that the next two take; 0 if it keeps nothing. */
  firstLink(object: number): number {
    return this.#firstLink.at(object);
  }

  nextLink(link: number): number {
    return this.#nextLink.at(link);
  }

  targetOf(link: number): number {
    return this.#target.at(link);
  }

  #link(from: number, to: number): void {
    this.#links += 1;
    this.#target.set(this.#links, to);
    this.#nextLink.set(this.#links, this.#firstLink.at(from));
    this.#firstLink.set(from, this.#links);
  }
}
