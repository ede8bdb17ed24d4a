import { readdir, readFile } from 'node:fs/promises';
import { expect, test } from '@jest/globals';
import { unlessAbsent } from '@stowage/core';

test('what is not there is undefined; any other failure stays one', async () => {
  const here = new URL(import.meta.url);
  expect(await unlessAbsent(readFile(here, 'utf8'))).toContain('unlessAbsent');
  expect(await unlessAbsent(readFile(new URL('nothing/here', here)))).toBeUndefined();
  await expect(unlessAbsent(readdir(here))).rejects.toMatchObject({ code: 'ENOTDIR' });
});
