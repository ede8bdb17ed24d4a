import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { namesOf } from '../src/names.ts';

const MAIN = join(import.meta.dirname, '../src/main.ts');
const FILES = [
  '.gitignore',
  'README.md',
  'package.json',
  'src/bin.ts',
  'src/copies.ts',
  'src/index.ts',
  'test/conformance.test.ts',
  'tsconfig.json',
];
let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'create-snapshotter-'));
});
afterEach(() => rm(dir, { recursive: true }));

async function create(...args: string[]) {
  const child = spawn(process.execPath, ['--conditions=stowage-source', MAIN, ...args], {
    cwd: dir,
    env: { ...process.env, NODE_OPTIONS: '' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const [out, err, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'close'),
  ]);
  return { out, err, code };
}

async function filesIn(directory: string): Promise<string[]> {
  const found = await readdir(join(dir, directory), { recursive: true, withFileTypes: true });
  const paths = found.filter((one) => one.isFile()).map((one) => join(one.parentPath, one.name));
  return paths.map((path) => path.slice(join(dir, directory).length + 1)).sort();
}

const read = (...path: string[]) => readFile(join(dir, ...path), 'utf8');

test('a package under its name, which stands wherever the template has its own', async () => {
  const { out, err, code } = await create('@acme/lazy-snapshotter');
  expect({ err, code }).toEqual({ err: '', code: 0 });
  expect(out).toContain('cd lazy-snapshotter');
  expect(await filesIn('lazy-snapshotter')).toEqual(FILES);
  expect(JSON.parse(await read('lazy-snapshotter/package.json'))).toMatchObject({
    name: '@acme/lazy-snapshotter',
    bin: { 'lazy-snapshotter': 'dist/bin.js' },
    dependencies: { '@stowage/snapshots': expect.stringMatching(/^\^\d/) },
  });
  expect(await read('lazy-snapshotter/src/index.ts')).toContain("id: 'lazy-snapshotter'");
  expect(await read('lazy-snapshotter/src/index.ts')).toContain('openLazySnapshotter');
  for (const file of FILES) expect(await read('lazy-snapshotter', file)).not.toMatch(/my-?snapshotter/i);
}, 60_000);

test('it asks for the versions that belong to this one', async () => {
  await create('mine');
  const { devDependencies: ours } = JSON.parse(
    await readFile(join(import.meta.dirname, '../package.json'), 'utf8'),
  );
  const { dependencies, devDependencies } = JSON.parse(await read('mine/package.json'));
  const all: Record<string, string> = { ...dependencies, ...devDependencies };
  const stowage = Object.keys(all).filter((name) => name.startsWith('@stowage/'));
  expect(stowage.length).toBeGreaterThan(4);
  for (const name of stowage) expect([name, all[name]]).toEqual([name, ours[name] ?? '^0.1.0']);
}, 60_000);

test('nothing that is there is changed', async () => {
  await mkdir(join(dir, 'mine'));
  await writeFile(join(dir, 'mine/notes'), 'precious');
  expect(await create('mine')).toMatchObject({
    out: '',
    err: expect.stringMatching(/^create-snapshotter: \S+mine: notes is there; /),
    code: 1,
  });
  expect(await filesIn('mine')).toEqual(['notes']);
  await writeFile(join(dir, 'file'), 'precious');
  expect(await create('file')).toMatchObject({ err: expect.stringContaining('file is there'), code: 1 });
  expect(await read('file')).toBe('precious');

  await mkdir(join(dir, 'empty'));
  expect(await create('mine', '--directory', 'empty')).toMatchObject({ code: 0 });
  expect(await filesIn('empty')).toEqual(FILES);
}, 60_000);

test.each([
  ['my-snapshotter', 'my-snapshotter', 'MySnapshotter'],
  ['@acme/zfs', 'zfs', 'Zfs'],
  ['a.b_c-d9', 'a.b_c-d9', 'ABCD9'],
])('the name %s is that of %s', (name, id, pascal) => {
  expect(namesOf(name)).toEqual({ npm: name, id, pascal });
});

test.each([
  '',
  'My-Snapshotter',
  '../elsewhere',
  '/absolute',
  '.',
  '-x',
  'a b',
  'a--b',
  '@acme/',
  '@acme/a/b',
  '@Acme/a',
  'a'.repeat(77),
  'node_modules/x',
])('%j is refused as a name', (name) => {
  expect(() => namesOf(name)).toThrow(
    expect.objectContaining({
      name: 'Fault',
      kind: 'invalid_argument',
      message: expect.stringContaining('name'),
    }),
  );
});

test('help, and what it cannot do, are told', async () => {
  expect(await create('--help')).toMatchObject({
    out: expect.stringContaining('Exit code'),
    err: '',
    code: 0,
  });
  for (const args of [[], ['a', 'b'], ['--nope']]) {
    expect(await create(...args)).toMatchObject({
      out: '',
      err: expect.stringMatching(/^create-snapshotter: .*--help/),
      code: 1,
    });
  }
  expect(await readdir(dir)).toEqual([]);
}, 60_000);
