import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from '@jest/globals';

const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');

test('the example prints what is said', () => {
  const [, example = '', output] = /```ts\n(.*?)```.*?```\n(.*?)```/s.exec(readme) ?? [];
  const printed = execFileSync(
    process.execPath,
    [
      '--conditions=stowage-source',
      '--disable-warning=ExperimentalWarning',
      '--input-type=module-typescript',
      '-e',
      example,
    ],
    { cwd: fileURLToPath(new URL('..', import.meta.url)), encoding: 'utf8' },
  );
  expect(printed).toBe(output);
});
