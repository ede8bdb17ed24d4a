import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import type { Logger } from '@stowage/core';
import { AddedFile } from '../src/added/added-file.ts';

let dir: string;
let path: string;
let errors: string[];
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'stowage-added-'));
  path = join(dir, 'added.json');
  errors = [];
});
afterEach(() => rm(dir, { recursive: true }));

const log: Logger = {
  debug() {},
  info() {},
  warn() {},
  error: (fields, message) => void errors.push(`${message} ${(fields as { err: Error }).err.message}`),
};
const config = {
  type: 'snapshot',
  address: '/run/x.sock',
  platform: undefined,
  capabilities: ['rebase'],
  exports: { root: '/x' },
} as const;

test('what was written is read again, and nothing else is left beside it', async () => {
  const file = await AddedFile.read(path, log);
  expect(file.configs.size).toBe(0);
  await file.write(new Map([['x', config]]));
  expect((await AddedFile.read(path, log)).configs).toEqual(new Map([['x', config]]));
  await file.write(new Map());
  expect((await AddedFile.read(path, log)).configs.size).toBe(0);
  expect(await readdir(dir)).toEqual(['added.json']);
  expect(errors).toEqual([]);
});

test('what a crash left of a write that was not done is of no account', async () => {
  await (await AddedFile.read(path, log)).write(new Map([['x', config]]));
  await writeFile(`${path}.new`, '{"version": 1, "pro');
  const file = await AddedFile.read(path, log);
  expect([...file.configs.keys()]).toEqual(['x']);
  await file.write(new Map());
  expect(await readdir(dir)).toEqual(['added.json']);
});

const WHOLE = JSON.stringify({
  version: 1,
  proxy_plugins: { x: { type: 'snapshot', address: '/run/x.sock' } },
});

test.each([
  ['empty', ''],
  ['zeros', '\0'.repeat(40)],
  ['cut', WHOLE.slice(0, -3)],
  ['no object', '[]'],
  ['nothing in it', '{}'],
  ['no plugins', '{"version": 1}'],
  ['a plugin that no config could have', WHOLE.replace('/run', 'run')],
  ['a key that nobody knows', WHOLE.replace('"version"', '"more": 1, "version"')],
])('a damaged file is told, kept aside, and stops nobody: %s', async (_, text) => {
  await writeFile(path, text);
  const file = await AddedFile.read(path, log);
  expect(file.configs.size).toBe(0);
  expect(errors).toEqual([expect.stringContaining('was moved aside; plugins that were added are not here')]);
  const [kept = ''] = await readdir(dir);
  expect(kept).toMatch(/^added\.json\.damaged-\d+$/);
  expect(await readFile(join(dir, kept), 'utf8')).toBe(text);
  await file.write(new Map([['x', config]]));
  expect((await AddedFile.read(path, log)).configs.has('x')).toBe(true);
});

test('a file of a newer daemon stays as it is', async () => {
  const text = WHOLE.replace('1', '2');
  await writeFile(path, text);
  const file = await AddedFile.read(path, log);
  expect(file.configs.size).toBe(0);
  expect(errors).toEqual([expect.stringContaining('a newer stowaged wrote this file')]);
  await expect(file.write(new Map())).rejects.toMatchObject({ kind: 'failed_precondition' });
  expect(await readFile(path, 'utf8')).toBe(text);
});
