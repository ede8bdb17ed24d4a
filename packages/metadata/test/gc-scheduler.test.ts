import { setTimeout as pause } from 'node:timers/promises';
import { expect, test } from '@jest/globals';
import { silentLogger } from '@stowage/core';
import type { Collected, CollectOptions } from '../src/gc/collector.ts';
import { type ScheduleOptions, Scheduler } from '../src/gc/scheduler.ts';

/** A scheduler over collections that do nothing and say how long they took. */
class Runs implements AsyncDisposable {
  readonly options: CollectOptions[] = [];
  readonly scheduler: Scheduler;
  fails = false;
  nextExpiry: Date | undefined;

  constructor(options: ScheduleOptions, markAndSweepMs = 1) {
    const collect = async (given: CollectOptions): Promise<Collected> => {
      this.options.push(given);
      if (this.fails) throw new Error('it fails');
      const { nextExpiry } = this;
      return { removed: 0, pruned: 0, durationMs: markAndSweepMs, markAndSweepMs, nextExpiry };
    };
    this.scheduler = new Scheduler({ collect }, () => new Date(), options, silentLogger);
  }

  /** Whether there are so many runs by the end of a generous time. */
  async reach(count: number): Promise<boolean> {
    for (let i = 0; i < 500 && this.options.length < count; i += 1) await pause(20);
    return this.options.length >= count;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.scheduler[Symbol.asyncDispose]();
  }
}

test('the first run comes by itself and looks for orphans; without anything to do none follows', async () => {
  await using runs = new Runs({ startupDelayMs: 1 });
  expect(await runs.reach(1)).toBe(true);
  await pause(600);
  expect(runs.options).toEqual([{ orphans: true }]);
});

test('a removal makes a run due at the end of the interval, with those that joined it', async () => {
  await using runs = new Runs({ startupDelayMs: 1, pauseThreshold: 0.5 }, 200);
  expect(await runs.reach(1)).toBe(true);
  for (let i = 0; i < 10; i += 1) runs.scheduler.mutated(true);
  expect(await runs.reach(2)).toBe(true);
  await pause(500);
  expect(runs.options).toEqual([{ orphans: true }, { orphans: false }]);
});

test('the longer runs take, the longer the interval: no more than the share of the time that they may have', async () => {
  await using runs = new Runs({ startupDelayMs: 1, pauseThreshold: 0.02 }, 60_000);
  expect(await runs.reach(1)).toBe(true);
  runs.scheduler.mutated(true);
  await pause(300);
  expect(runs.options).toHaveLength(1);
});

test('enough removals do not wait for the interval, if so told', async () => {
  await using runs = new Runs({ startupDelayMs: 1, deletionThreshold: 3 }, 60_000);
  expect(await runs.reach(1)).toBe(true);
  for (let i = 0; i < 2; i += 1) runs.scheduler.mutated(true);
  await pause(200);
  expect(runs.options).toHaveLength(1);
  runs.scheduler.mutated(true);
  expect(await runs.reach(2)).toBe(true);
});

test('mutations without a removal make a run due when there are enough of them', async () => {
  await using runs = new Runs({ startupDelayMs: 1, mutationThreshold: 5 });
  expect(await runs.reach(1)).toBe(true);
  for (let i = 0; i < 4; i += 1) runs.scheduler.mutated(false);
  await pause(600);
  expect(runs.options).toHaveLength(1);
  runs.scheduler.mutated(false);
  expect(await runs.reach(2)).toBe(true);
});

test('before the first run, removals wait for it; if there is none, the first removal calls for it', async () => {
  await using waiting = new Runs({ startupDelayMs: 60_000 });
  waiting.scheduler.mutated(true);
  await using calling = new Runs({ startupDelayMs: 0 });
  await pause(100);
  expect(calling.options).toHaveLength(0);
  calling.scheduler.mutated(true);
  expect(await calling.reach(1)).toBe(true);
  expect(waiting.options).toHaveLength(0);
});

test('an expiry alone makes a run due, one that was announced and one that a run has found', async () => {
  await using runs = new Runs({ startupDelayMs: 0 });
  runs.nextExpiry = new Date(Date.now() + 500);
  runs.scheduler.expires(new Date(Date.now() + 50));
  expect(await runs.reach(2)).toBe(true);
});

test('a run that failed is tried again', async () => {
  await using runs = new Runs({ startupDelayMs: 1 });
  runs.fails = true;
  expect(await runs.reach(1)).toBe(true);
  runs.fails = false;
  expect(await runs.reach(2)).toBe(true);
  expect(runs.options).toEqual([{ orphans: true }, { orphans: true }]);
});

test('disposed, it waits for the run under way and begins none', async () => {
  const runs = new Runs({ startupDelayMs: 1 });
  expect(await runs.reach(1)).toBe(true);
  runs.scheduler.mutated(true);
  await runs[Symbol.asyncDispose]();
  await pause(500);
  expect(runs.options).toHaveLength(1);
});
