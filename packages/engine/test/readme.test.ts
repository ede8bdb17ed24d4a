import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from '@jest/globals';

test('the example prints what is said', () => {
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
  const [, example = '', output] = /```ts\n(.*?)```.*?```\n(.*?)```/s.exec(readme) ?? [];
  const node = ['--conditions=stowage-source', '--disable-warning=ExperimentalWarning'];
  const printed = execFileSync(process.execPath, [...node, '--input-type=module-typescript', '-e', example], {
    cwd: fileURLToPath(new URL('..', import.meta.url)),
    encoding: 'utf8',
  });
  expect(printed).toBe(output);
});
