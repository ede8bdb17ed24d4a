import { expect, test } from '@jest/globals';
import { silentLogger } from '@stowage/core';
import { LastingWork } from '../src/lasting-work.ts';
import { never } from './fixtures/memory-runtime.ts';

const aborted = { name: 'AbortError' };

test('what waits for its key when everything stops never begins', async () => {
  const work = new LastingWork(silentLogger);
  let begun = 0;
  const run = (signal: AbortSignal) => {
    begun++;
    return never(signal);
  };
  const settled = Promise.allSettled([
    work.run('k', { run }, undefined),
    work.run('k', { run }, new AbortController().signal),
  ]);
  await new Promise((resolve) => setImmediate(resolve));
  expect(begun).toBe(1);
  await work[Symbol.asyncDispose]();
  const rejected = { status: 'rejected', reason: aborted };
  expect(await settled).toMatchObject([rejected, rejected]);
  expect(begun).toBe(1);
});

test('once everything stopped nothing begins', async () => {
  const work = new LastingWork(silentLogger);
  await work[Symbol.asyncDispose]();
  const run = () => Promise.reject(new Error('it began'));
  await expect(work.run('k', { run }, undefined)).rejects.toMatchObject(aborted);
});

test('what is about to begin when everything stops does not', async () => {
  const work = new LastingWork(silentLogger);
  const run = () => Promise.reject(new Error('it began'));
  const failed = expect(work.run('k', { run }, undefined)).rejects.toMatchObject(aborted);
  // The key is free: it is taken already, and the work is about to begin.
  await work[Symbol.asyncDispose]();
  await failed;
});
