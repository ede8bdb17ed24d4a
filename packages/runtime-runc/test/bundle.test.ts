import { execFile } from 'node:child_process';
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { build } from 'esbuild';

const run = promisify(execFile);
const repo = fileURLToPath(new URL('../../..', import.meta.url));
let directory: string;

/** As the daemon is bundled: each entry one file, native addons beside. */
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'runc-bundle-'));
  const banner = "import { createRequire as __r } from 'node:module'; const require = __r(import.meta.url);";
  await build({
    absWorkingDir: repo,
    ...{ bundle: true, platform: 'node', target: 'node22', format: 'esm', logLevel: 'error' },
    conditions: ['stowage-source'],
    external: ['koffi'],
    banner: { js: banner },
    outdir: join(directory, 'dist'),
    entryPoints: [
      { in: 'packages/runtime-runc/src/supervisor-main.ts', out: 'stowage-supervisor' },
      { in: 'packages/linux/src/linux-mount-worker.ts', out: 'linux-mount-worker' },
      { in: 'packages/linux/src/linux-poll-worker.ts', out: 'linux-poll-worker' },
      { in: 'packages/runtime-runc/test/fixtures/bundled.ts', out: 'bundled' },
    ],
  });
  await writeFile(join(directory, 'package.json'), '{"type":"module"}');
  await cp(join(repo, 'node_modules/koffi'), join(directory, 'node_modules/koffi'), { recursive: true });
  await cp(join(repo, 'node_modules/@koromix'), join(directory, 'node_modules/@koromix'), {
    recursive: true,
  });
});
afterAll(async () => {
  await rm(directory, { recursive: true });
});

test('a bundled supervisor runs from its copy when the package is gone', async () => {
  const { stdout } = await run(process.execPath, [join(directory, 'dist/bundled.js'), directory]);
  const { title, addon, exits, modes } = JSON.parse(stdout.trim().split('\n').at(-1) ?? '');
  expect(title).toMatch(/^stowage-supervisor \//);
  expect(addon).toMatch(/\/state\/program\/[0-9a-f]{12}\/node_modules\/@koromix\/.*koffi\.node$/);
  expect(exits).toEqual([0, 0]);
  expect(modes).toEqual([]);
});
