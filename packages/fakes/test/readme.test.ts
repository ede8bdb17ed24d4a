import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from '@jest/globals';

const run = promisify(execFile);

test('the example of the README runs as it stands', async () => {
  const readme = await readFile(join(import.meta.dirname, '../README.md'), 'utf8');
  const [, example = ''] = /```ts\n(.*?)```/s.exec(readme) ?? [];
  expect(example).toContain('fakeClient');
  const args = ['--conditions=stowage-source', '--input-type=module-typescript', '-e', example];
  const options = { cwd: import.meta.dirname, env: { ...process.env, NODE_OPTIONS: '' } };
  expect(await run(process.execPath, args, options)).toMatchObject({ stdout: '', stderr: '' });
});
