/** Random choices that a seed repeats. */
export class Rng {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** One of its own for a part of the work, so that parts don't shift each other. */
  static of(...parts: readonly number[]): Rng {
    let seed = 0x9e3779b9;
    for (const part of parts) seed = mix(seed ^ (part >>> 0));
    return new Rng(seed);
  }

  /** From 0 to below 1. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    return mix(this.#state) / 2 ** 32;
  }

  /** A whole number, both ends included. */
  int(from: number, to: number): number {
    return from + Math.floor(this.next() * (to - from + 1));
  }

  chance(share: number): boolean {
    return this.next() < share;
  }

  pick<T>(items: readonly T[]): T | undefined {
    return items[Math.floor(this.next() * items.length)];
  }

  shuffled<T>(items: readonly T[]): T[] {
    const left = [...items];
    return items.map(() => left.splice(this.int(0, left.length - 1), 1)[0] as T);
  }

  /** Picks by weight. */
  weighted<T extends { readonly weight: number }>(items: readonly T[]): T | undefined {
    let at = this.next() * items.reduce((sum, { weight }) => sum + weight, 0);
    return items.find(({ weight }) => {
      at -= weight;
      return at < 0;
    });
  }
}

/** The finalizer of mulberry32. */
function mix(value: number): number {
  let t = value;
  t = Math.imul(t ^ (t >>> 15), t | 1);
  t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
  return (t ^ (t >>> 14)) >>> 0;
}
