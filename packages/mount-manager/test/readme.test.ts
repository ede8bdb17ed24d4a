import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from '@jest/globals';
import { inWorkplace } from './workplace.ts';

const run = promisify(execFile);

test('the example of the README prints what is said', async () => {
  const readme = await readFile(new URL('../README.md', import.meta.url), 'utf8');
  const [, example = '', output = ''] = /```ts\n(.*?)```.*?```\n(.*?)```/s.exec(readme) ?? [];
  await inWorkplace(async (at) => {
    await at.image('base');
    const script = ['--input-type=module-typescript', '-e', example.replaceAll('/tmp/example', at.path)];
    const flags = ['--conditions=stowage-source', '--disable-warning=ExperimentalWarning'];
    const cwd = fileURLToPath(new URL('..', import.meta.url));
    const { stdout } = await run(process.execPath, [...flags, ...script], { cwd });
    expect(stdout.replaceAll(at.path, '/tmp/example')).toBe(output);
  });
});
