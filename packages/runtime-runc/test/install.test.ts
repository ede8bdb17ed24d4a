import { execFileSync } from 'node:child_process';
import { lstat, mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { installProgram } from '../src/daemon/install.ts';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'runc-install-'));
});
afterEach(async () => {
  await rm(directory, { recursive: true });
});

const program = {
  build: 'b',
  entry: 'main.js',
  execArgv: [],
  bundle: new Map([
    ['main.js', Buffer.from('main')],
    ['worker.js', Buffer.from('worker')],
  ]),
};
const koffi = 'node_modules/koffi';

test('a bundle is copied with its addon, for root alone, and once', async () => {
  const target = join(directory, 'b');
  expect(await installProgram(program, target)).toBe(join(target, 'main.js'));
  expect(await readFile(join(target, 'worker.js'), 'utf8')).toBe('worker');
  expect((await stat(target)).mode & 0o777).toBe(0o700);
  expect((await lstat(join(target, koffi))).isDirectory()).toBe(true);
  const { ino } = await stat(join(target, koffi, 'package.json'));
  await installProgram(program, target);
  expect((await stat(join(target, koffi, 'package.json'))).ino).toBe(ino);
  const run = "console.log(require('koffi').load('libc.so.6').func('int getppid()')() > 0)";
  const options = { cwd: target, encoding: 'utf8' } as const;
  expect(execFileSync(process.execPath, ['--input-type=commonjs', '-e', run], options)).toBe('true\n');
});

test('where nothing may be executed, the addon is loaded from where it is installed', async () => {
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'noexec', 'none', directory]);
  try {
    const target = join(directory, 'b');
    await installProgram(program, target);
    expect((await lstat(join(target, koffi))).isSymbolicLink()).toBe(true);
  } finally {
    execFileSync('umount', [directory]);
  }
});
