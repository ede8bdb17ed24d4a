import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from '@jest/globals';
import { Workbench } from './fixtures/workbench.ts';

const run = promisify(execFile);

test('the example of the README prints what is said', async () => {
  const readme = await readFile(new URL('../README.md', import.meta.url), 'utf8');
  const [, example = '', output] = /```ts\n(.*?)```.*?```\n(.*?)```/s.exec(readme) ?? [];
  await using bench = await Workbench.open();
  const { bundle } = await bench.container('hello', ['sh', '-c', 'exit 42']);
  const flags = ['--conditions=stowage-source', '--disable-warning=ExperimentalWarning'];
  const { stdout } = await run(
    process.execPath,
    [...flags, '--input-type=module-typescript', '-e', example],
    {
      cwd: fileURLToPath(new URL('..', import.meta.url)),
      env: {
        ...process.env,
        ...{ BUNDLE: bundle, ROOTFS: join(bench.directory, 'lower'), STATE: join(bench.directory, 'readme') },
      },
    },
  );
  // The last event is passed on while the call that caused it answers.
  expect(stdout.split('\n').sort()).toEqual(output?.split('\n').sort());
});
