import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from '@jest/globals';

/** Jest erases types, so that only this test makes the `@ts-expect-error` and `Same<>` lines beside it count. */
test('the tests agree with the types, and what must not compile does not', () => {
  const manifest = createRequire(import.meta.url).resolve('typescript/package.json');
  const { bin } = JSON.parse(readFileSync(manifest, 'utf8')) as { bin: { tsc: string } };
  const project = fileURLToPath(new URL('tsconfig.json', import.meta.url));
  let output = '';
  try {
    execFileSync(process.execPath, [join(dirname(manifest), bin.tsc), '-p', project], { encoding: 'utf8' });
  } catch (e) {
    output = (e as { stdout: string }).stdout;
  }
  expect(output).toBe('');
});
