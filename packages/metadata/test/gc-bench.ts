import { expect } from '@jest/globals';
import fc from 'fast-check';
import { program, type Step } from './gc-program.ts';
import { GcRun, type Tally } from './gc-run.ts';
import { Setting } from './setting.ts';

/** A database that many programs use one after the other, each with namespaces of its own. */
class Bench implements AsyncDisposable {
  readonly tally: Tally = { steps: 0, beside: 0, removed: 0, revived: 0 };
  readonly #root: string;
  readonly #clock = { now: Date.parse('2030-01-01T00:00:00Z') };
  #seed = 0;
  #setting: Setting | undefined;

  constructor(root: string) {
    this.#root = root;
  }

  async run(steps: readonly Step[]): Promise<void> {
    this.#seed += 1;
    const now = () => new Date(this.#clock.now);
    this.#setting ??= await Setting.make({ now, keepLog: 1000n }, undefined, this.#root);
    try {
      await new GcRun(this.#setting, String(this.#seed), this.#clock, steps, this.tally).run();
    } catch (e) {
      // What it has left would be in the way of others.
      await this[Symbol.asyncDispose]();
      throw e;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#setting?.[Symbol.asyncDispose]();
    this.#setting = undefined;
  }
}

/** Holds collections to the model in as many programs as there is time for; prints how many there were. */
export async function holdToModel(root: string, limits: { numRuns: number; limitMs: number }): Promise<void> {
  await using bench = new Bench(root);
  const property = fc.asyncProperty(program, (steps) => bench.run(steps));
  const began = performance.now();
  const { numRuns, limitMs } = limits;
  const result = await fc.check(property, { numRuns, interruptAfterTimeLimit: limitMs });
  const seconds = ((performance.now() - began) / 1000).toFixed(1);
  process.stderr.write(
    `${JSON.stringify({ seed: result.seed, runs: result.numRuns, seconds, ...bench.tally })}\n`,
  );
  if (result.errorInstance !== null)
    throw new Error(fc.defaultReportMessage(result), { cause: result.errorInstance });
  expect(bench.tally.removed).toBeGreaterThan(result.numRuns / 5);
  expect(bench.tally.revived).toBeGreaterThan(result.numRuns / 20);
  expect(bench.tally.beside).toBeGreaterThan(0);
}
