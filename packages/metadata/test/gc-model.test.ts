import { stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { program, type Step } from './gc-program.ts';
import { GcRun, type Tally } from './gc-run.ts';
import { Setting } from './setting.ts';

const LONG = process.env.STOWAGE_LONG !== undefined;
const RUNS = LONG ? 100_000 : 1000;
const LIMIT_MS = LONG ? 20 * 60_000 : 40_000;

/** A database that many programs use one after the other, each with namespaces of its own. */
class Bench implements AsyncDisposable {
  readonly tally: Tally = { steps: 0, beside: 0, removed: 0, revived: 0 };
  readonly #clock = { now: Date.parse('2030-01-01T00:00:00Z') };
  #seed = 0;
  #setting: Setting | undefined;

  async run(steps: readonly Step[]): Promise<void> {
    this.#seed += 1;
    const now = () => new Date(this.#clock.now);
    this.#setting ??= await Setting.make({ now, keepLog: 1000n }, undefined, await memoryBacked());
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

test(
  'whatever clients do in the pauses of a collection, what can be reached stays whole and the rest goes',
  async () => {
    await using bench = new Bench();
    const property = fc.asyncProperty(program, (steps) => bench.run(steps));
    const began = performance.now();
    const result = await fc.check(property, { numRuns: RUNS, interruptAfterTimeLimit: LIMIT_MS });
    const seconds = ((performance.now() - began) / 1000).toFixed(1);
    process.stderr.write(
      `${JSON.stringify({ seed: result.seed, runs: result.numRuns, seconds, ...bench.tally })}\n`,
    );
    if (result.errorInstance !== null)
      throw new Error(fc.defaultReportMessage(result), { cause: result.errorInstance });
    expect(bench.tally.removed).toBeGreaterThan(result.numRuns);
    expect(bench.tally.revived).toBeGreaterThan(result.numRuns / 10);
    expect(bench.tally.beside).toBeGreaterThan(0);
  },
  LIMIT_MS + 60_000,
);

/** Where an fsync costs nothing, if there is such a place. */
async function memoryBacked(): Promise<string> {
  return stat('/dev/shm').then(
    () => '/dev/shm',
    () => tmpdir(),
  );
}
