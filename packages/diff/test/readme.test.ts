import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from '@jest/globals';

test('the example prints what is said', () => {
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
  const [, example = '', output] = /```ts\n(.*?)```.*?```\n(.*?)```/s.exec(readme) ?? [];
  const dir = mkdtempSync(join(tmpdir(), 'stowage-diff-readme-'));
  try {
    const options = ['--conditions=stowage-source', '--disable-warning=ExperimentalWarning'];
    const script = ['--input-type=module-typescript', '-e', example.replaceAll('/tmp/example', dir)];
    const cwd = fileURLToPath(new URL('..', import.meta.url));
    expect(execFileSync(process.execPath, [...options, ...script], { cwd, encoding: 'utf8' })).toBe(output);
  } finally {
    rmSync(dir, { recursive: true });
  }
}, 60_000);
