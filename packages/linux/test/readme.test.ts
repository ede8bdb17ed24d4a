import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from '@jest/globals';

const packageFile = (name: string) => readFileSync(new URL(`../${name}`, import.meta.url), 'utf8');
const readme = packageFile('README.md');

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

test('the table names every subpath', () => {
  const { exports } = JSON.parse(packageFile('package.json')) as { exports: object };
  const table = readme.slice(readme.indexOf('## What is in it'), readme.indexOf('## When it fails'));
  const subpaths = Object.keys(exports).filter((path) => path !== './package.json');
  expect(subpaths.filter((path) => !table.includes(`\`${path}\``))).toEqual([]);
});
