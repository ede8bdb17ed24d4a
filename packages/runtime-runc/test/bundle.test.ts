import { execFile } from 'node:child_process';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { bundleWith } from './fixtures/bundle.ts';

const run = promisify(execFile);
let directory: string;

beforeAll(async () => {
  directory = await bundleWith('bundled');
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
