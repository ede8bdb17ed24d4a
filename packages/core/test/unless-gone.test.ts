import { expect, test } from '@jest/globals';
import { Fault, unlessGone } from '@stowage/core';

test('only what is not there is undefined; any other failure is thrown', async () => {
  expect(await unlessGone(Promise.resolve('there'))).toBe('there');
  expect(await unlessGone(Promise.reject(new Fault('not_found', 'gone')))).toBeUndefined();
  await expect(unlessGone(Promise.reject(new Fault('data_loss', 'damaged')))).rejects.toMatchObject({
    kind: 'data_loss',
  });
});
