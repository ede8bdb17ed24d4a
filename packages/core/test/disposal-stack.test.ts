import { expect, test } from '@jest/globals';
import { DisposalStack } from '@stowage/core';

function noting(done: string[], name: string, error?: Error): AsyncDisposable {
  return {
    async [Symbol.asyncDispose]() {
      done.push(name);
      if (error !== undefined) throw error;
    },
  };
}

test('what is held goes the last first, once, whatever its kind', async () => {
  const done: string[] = [];
  const stack = new DisposalStack();
  const first = noting(done, 'first');
  expect(stack.use(first)).toBe(first);
  stack.use({ [Symbol.dispose]: () => void done.push('second') });
  stack.defer(async () => void done.push('third'));
  await stack.disposeAsync();
  await stack[Symbol.asyncDispose]();
  expect(done).toEqual(['third', 'second', 'first']);
});

test('what was moved away stays, until the other stack goes', async () => {
  const done: string[] = [];
  let other: DisposalStack;
  {
    await using stack = new DisposalStack();
    stack.use(noting(done, 'held'));
    other = stack.move();
  }
  expect(done).toEqual([]);
  await other.disposeAsync();
  expect(done).toEqual(['held']);
});

test('one that fails keeps none of the others, and what failed is thrown', async () => {
  const done: string[] = [];
  const [one, two] = [new Error('one'), new Error('two')];
  const stack = new DisposalStack();
  stack.use(noting(done, 'first', one));
  stack.use(noting(done, 'second'));
  await expect(stack.disposeAsync()).rejects.toBe(one);
  stack.use(noting(done, 'third', one));
  stack.use(noting(done, 'fourth', two));
  await expect(stack.disposeAsync()).rejects.toMatchObject({ errors: [two, one] });
  expect(done).toEqual(['second', 'first', 'fourth', 'third']);
});
