/** Times named steps for a short table. */
export class Steps {
  readonly #rows: Array<{ readonly name: string; readonly ms: number }> = [];

  async time<T>(name: string, work: () => Promise<T>): Promise<T> {
    const started = performance.now();
    try {
      return await work();
    } finally {
      this.#rows.push({ name, ms: performance.now() - started });
    }
  }

  table(): string {
    const wide = Math.max(0, ...this.#rows.map((row) => row.name.length));
    return this.#rows
      .map(({ name, ms }) => `${name.padEnd(wide)}  ${ms.toFixed(0).padStart(6)} ms`)
      .join('\n');
  }
}
