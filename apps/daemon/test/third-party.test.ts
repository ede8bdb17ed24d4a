import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { loadPackages } from '../src/third-party.ts';

let dir: string;
beforeAll(async () => {
  dir = join(await mkdtemp(join(tmpdir(), 'stowage-packages-')), 'node_modules');
});
afterAll(() => rm(join(dir, '..'), { recursive: true }));

const MODULE = "export const plugins = [{ slot: { type: 'x.v1', api: 1 }, id: 'mine', start: () => 1 }];";

async function install(name: string, manifest: object, files: Readonly<Record<string, string>>) {
  for (const [file, text] of Object.entries({ 'package.json': JSON.stringify(manifest), ...files })) {
    await mkdir(join(dir, name, file, '..'), { recursive: true });
    await writeFile(join(dir, name, file), text);
  }
}

test.each([
  ['an exports map for importers only', { exports: { '.': { types: './x.d.ts', import: './lib/it.mjs' } } }],
  ['an exports map without subpaths', { exports: { require: './no.cjs', node: './lib/it.mjs' } }],
  ['nested conditions', { exports: { '.': { node: { require: './no.cjs', default: './lib/it.mjs' } } } }],
  ['a path', { exports: './lib/it.mjs' }],
  ['alternatives', { exports: [{ browser: './no.js' }, './lib/it.mjs'] }],
  ['a main', { main: './lib/it.mjs' }],
])('a package with %s is found', async (what, manifest) => {
  const name = `good-${what.replaceAll(' ', '-')}`;
  await install(name, manifest, { 'lib/it.mjs': MODULE });
  expect(await loadPackages([name], dir)).toMatchObject([{ id: 'mine' }]);
});

test('a package with nothing but index.js, a scope, and a link in its place', async () => {
  await install('.store/real', { type: 'module' }, { 'index.js': MODULE });
  await mkdir(join(dir, '@scope'));
  await symlink('../.store/real', join(dir, '@scope/linked'));
  expect(await loadPackages(['@scope/linked'], dir)).toMatchObject([{ id: 'mine' }]);
});

test('a package that is not there: the message names it and how to get it', async () => {
  await expect(loadPackages(['absent-snapshotter'], dir)).rejects.toMatchObject({
    kind: 'failed_precondition',
    message: expect.stringMatching(/"absent-snapshotter".*npm install --prefix \S+ absent-snapshotter$/),
  });
  await expect(loadPackages(['absent-snapshotter'], join(dir, '..'))).rejects.toMatchObject({
    message: expect.stringContaining('plugin_dir'),
  });
});

test.each([
  ['no plugins', {}, 'export const other = 1;', /exports no list of plugins under the name "plugins"/],
  ['something else as plugins', {}, 'export const plugins = [{}];', /exports no list of plugins/],
  ['a syntax error', {}, 'export const = 1;', /cannot be loaded from .*it\.mjs/],
  ['an import of what is not there', {}, "import 'no-such-package';", /cannot be loaded.*no-such-package/],
  ['an exports map for others', { exports: { '.': { require: './it.mjs' } } }, MODULE, /no entry "\."/],
])('a package with %s is refused by name', async (what, manifest, text, message) => {
  const name = `bad-${what.replaceAll(' ', '-')}`;
  await install(name, { main: 'it.mjs', ...manifest }, { 'it.mjs': text });
  const loading = loadPackages([name], dir);
  await expect(loading).rejects.toMatchObject({
    kind: 'failed_precondition',
    message: expect.stringMatching(message),
  });
  await expect(loading).rejects.toThrow(name);
});

test.each(['../escape', '/abs', '', '.', '..', '@a/../b', 'a/b'])(
  '%s is no name of a package',
  async (name) => {
    await expect(loadPackages([name], dir)).rejects.toMatchObject({ kind: 'failed_precondition' });
  },
);
