/** What one supervisor tells a table of processes, and how far it got. */
export class TableSource {
  readonly name: string;
  readonly #later = new Set<{ readonly seq: number; resolve(): void }>();
  #seq = 0;

  constructor(name: string) {
    this.name = name;
  }

  /** Number of the last event that the table includes. */
  get seq(): number {
    return this.#seq;
  }

  /** Settles when all up to an event is in the table. */
  async reached(seq: number): Promise<void> {
    if (seq <= this.#seq) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#later.add({ seq, resolve });
    await promise;
  }

  advance(seq: number): void {
    this.#seq = seq;
    for (const entry of this.#later) {
      if (entry.seq > seq) continue;
      this.#later.delete(entry);
      entry.resolve();
    }
  }

  /** Nothing was told yet: counting may begin anew. Whoever waits is let go, since what it waits for may never come. */
  restart(): void {
    this.advance(Number.POSITIVE_INFINITY);
    this.#seq = 0;
  }
}
