import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from '@jest/globals';
import { tempDir } from './fixtures/temp.ts';

const exitOf = async (...args: string[]): Promise<unknown[]> => {
  const script = fileURLToPath(new URL('./fixtures/ending-process.ts', import.meta.url));
  return once(
    spawn(process.execPath, [script, ...args], { stdio: ['ignore', 'inherit', 'inherit'] }),
    'exit',
  );
};

test('the end of the process waits until a worker has bound its functions', async () => {
  using dir = tempDir();
  const file = join(dir.path, 'passed');
  expect(await exitOf(file)).toEqual([3, null]);
  expect(existsSync(file)).toBe(true);
});

test('a worker that has may be ended in the middle of any call', async () => {
  expect(await exitOf()).toEqual([4, null]);
});
