import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { lockedBy } from '../src/database/holder.ts';

const run = promisify(execFile);
const isRoot = process.getuid?.() === 0;
let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'stowage-holder-'));
});
afterEach(async () => {
  for (const name of ['a', 'b']) await run('umount', [join(directory, name)]).catch(() => undefined);
  await rm(directory, { recursive: true });
});

/** Another process that has a database open, until disposed. */
async function openElsewhere(path: string): Promise<AsyncDisposable & { readonly pid: number }> {
  const level = import.meta.resolve('level');
  const script = `import { Level } from ${JSON.stringify(level)};
const db = new Level(${JSON.stringify(path)}); await db.open(); console.log('open');
process.stdin.on('end', () => db.close()).resume();`;
  const node = [process.execPath, ['--input-type=module', '-e', script]] as const;
  const child = spawn(...node, { stdio: ['pipe', 'pipe', 'inherit'], env: {} });
  await once(child.stdout, 'data');
  const end = async () => {
    child.stdin.end();
    await once(child, 'exit');
  };
  return { pid: child.pid ?? 0, [Symbol.asyncDispose]: end };
}

test('who has a database open is told', async () => {
  const path = join(directory, 'db');
  expect(await lockedBy(join(path, 'LOCK'))).toBeUndefined();
  {
    await using other = await openElsewhere(path);
    expect(await lockedBy(join(path, 'LOCK'))).toBe(other.pid);
  }
  expect(await lockedBy(join(path, 'LOCK'))).toBeUndefined();
});

(isRoot ? test : test.skip)('a lock of a file of the same number elsewhere is another lock', async () => {
  const paths = ['a', 'b'].map((name) => join(directory, name));
  for (const path of paths) {
    await mkdir(path);
    await run('mount', ['-t', 'tmpfs', 'none', path]);
    await (await openElsewhere(path))[Symbol.asyncDispose]();
  }
  const [a = '', b = ''] = paths.map((path) => join(path, 'LOCK'));
  expect((await stat(a)).ino).toBe((await stat(b)).ino);
  await using other = await openElsewhere(join(directory, 'a'));
  expect(await lockedBy(a)).toBe(other.pid);
  expect(await lockedBy(b)).toBeUndefined();
});
