import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { demoArchive, run, type TempDir, tempDir } from '@stowage/testing';
import { CLI } from '../cli.ts';

const IMAGE = 'example.org/demo:1';

let dir: TempDir;
let root: string;
const env = () => ({ STOWAGE_ROOT: root, STOWAGE_CLI_STATE: join(dir.path, 'cli') });
const cli = (...args: string[]) => run(process.execPath, [CLI, ...args], { env: env() });
const embedded = (...args: string[]) => cli('--embedded', ...args);

beforeAll(async () => {
  dir = await tempDir('cli-embedded');
  root = join(dir.path, 'root');
  const archive = await demoArchive(join(dir.path, 'image'), IMAGE);
  expect(await embedded('load', '-i', archive)).toMatchObject({ code: 0 });
}, 60_000);
afterAll(async () => {
  await dir[Symbol.asyncDispose]();
});

/** Those of the engine's: of its root, or of the directory below /run that is named after it. */
async function processes(): Promise<string[]> {
  const state = createHash('sha256').update(root).digest('hex').slice(0, 16);
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const lines = await Promise.all(
    pids.map((pid) => readFile(`/proc/${pid}/cmdline`, 'latin1').catch(() => '')),
  );
  return lines.filter((line) => line.includes(root) || line.includes(`/stowage-embedded/${state}`));
}

test('run --embedded needs no daemon, ends as the program does, and leaves no process', async () => {
  expect(await cli('run', '--embedded', '--rm', IMAGE, 'sh', '-c', 'echo inside; exit 5')).toMatchObject({
    code: 5,
    stdout: 'inside\n',
    stderr: '',
  });
  expect((await embedded('ps', '-aq')).stdout).toBe('');
  expect(await processes()).toEqual([]);
}, 90_000);

test('what runs in the background goes on, is found by the next command, and ends by one', async () => {
  const made = await embedded(
    'run',
    '-d',
    '--name',
    'back',
    IMAGE,
    'sh',
    '-c',
    'echo up; while :; do sleep 1; done',
  );
  expect(made).toMatchObject({ code: 0, stdout: 'back\n' });
  expect((await embedded('ps')).stdout).toMatch(/back .*running/);
  expect(await processes()).toHaveLength(1);
  expect(await embedded('exec', 'back', 'echo', 'beside')).toMatchObject({ code: 0, stdout: 'beside\n' });
  expect(await embedded('logs', 'back')).toMatchObject({ stdout: 'up\n' });
  expect(await embedded('rm', '-f', 'back')).toMatchObject({ code: 0 });
  expect(await processes()).toEqual([]);
}, 120_000);

test('a root that is in use is told as such', async () => {
  const args = [CLI, 'run', '--embedded', '--rm', '-i', IMAGE, 'sh', '-c', 'echo up; read end'];
  const child = spawn(process.execPath, args, { env: { ...process.env, NODE_OPTIONS: '', ...env() } });
  const [up] = await once(child.stdout, 'data');
  expect(String(up)).toBe('up\n');
  expect(await embedded('images')).toMatchObject({
    code: 1,
    stderr: expect.stringContaining(`${root} is in use by an embedded engine, pid ${child.pid}`),
  });
  child.stdin.end('end\n');
  expect(await once(child, 'exit')).toEqual([0, null]);
}, 90_000);
