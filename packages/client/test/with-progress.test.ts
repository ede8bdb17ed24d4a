import { expect, test } from '@jest/globals';
import { withProgress } from '../src/with-progress.ts';

interface Step {
  readonly part: string;
  readonly bytes: number;
}

function began() {
  let tell: (step: Step) => void = () => undefined;
  const done = Promise.withResolvers<string>();
  const work = withProgress<string, Step>(
    ({ part }) => part,
    (onProgress) => {
      tell = onProgress;
      return done.promise;
    },
  );
  return { work, done, tell: (part: string, bytes: number) => tell({ part, bytes }) };
}

test('it is a promise like others, and begins without being watched', async () => {
  const { work, done, tell } = began();
  tell('a', 1);
  done.resolve('result');
  expect(await work).toBe('result');
});

test('a reader is told what comes while it reads, and ends with the work', async () => {
  const { work, done, tell } = began();
  const seen: Step[] = [];
  const reading = (async () => {
    for await (const step of work.progress()) seen.push(step);
  })();
  for (const bytes of [1, 2, 3]) {
    tell('a', bytes);
    await new Promise(setImmediate);
  }
  done.resolve('result');
  await reading;
  expect(seen.map(({ bytes }) => bytes)).toEqual([1, 2, 3]);
});

test('a slow reader is told the newest of each part only, and all of the end', async () => {
  const { work, done, tell } = began();
  const steps = work.progress();
  for (let bytes = 0; bytes < 1000; bytes++) {
    tell('a', bytes);
    tell('b', -bytes);
  }
  done.resolve('result');
  expect(await Array.fromAsync(steps)).toEqual([
    { part: 'a', bytes: 999 },
    { part: 'b', bytes: -999 },
  ]);
});

test('a reader is told the failure, which nobody else need hear then', async () => {
  const { work, done } = began();
  const reading = Array.fromAsync(work.progress());
  done.reject(new Error('no disk'));
  await expect(reading).rejects.toThrow('no disk');
});

test('who leaves early stops nothing, and others are told on', async () => {
  const { work, done, tell } = began();
  const other = Array.fromAsync(work.progress());
  const leaving = (async () => {
    for await (const _ of work.progress()) break;
  })();
  tell('a', 1);
  await leaving;
  tell('a', 2);
  done.resolve('result');
  expect((await other).at(-1)).toEqual({ part: 'a', bytes: 2 });
  expect(await work).toBe('result');
});
