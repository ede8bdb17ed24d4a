import { chmod, mkdir, mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { makePassable, makePrivate } from '../src/directories.ts';
import { lockDirectory } from '../src/directory-lock.ts';

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'stowage-directories-'));
});
afterEach(() => rm(dir, { recursive: true }));

const mode = async (...path: string[]) => (await stat(join(dir, ...path))).mode & 0o777;

test.each([0, 0o022, 0o077])('whatever the umask (%i), others pass through what is made', async (umask) => {
  const before = process.umask(umask);
  try {
    await makePassable(join(dir, 'a/b/c'));
  } finally {
    process.umask(before);
  }
  for (const path of ['a', 'a/b', 'a/b/c']) expect(await mode(path)).toBe(0o711);
  expect(await mode('.')).toBe(0o700);
});

test('what is there stays as it is, unless it has to be private', async () => {
  await mkdir(join(dir, 'run'));
  await chmod(join(dir, 'run'), 0o755);
  await makePassable(join(dir, 'run'));
  expect(await mode('run')).toBe(0o755);
  await makePrivate(join(dir, 'run'));
  expect(await mode('run')).toBe(0o711);
});

test('a directory is held by one, and free again after', async () => {
  {
    using _lock = await lockDirectory(dir);
    await expect(lockDirectory(dir)).rejects.toMatchObject({
      kind: 'failed_precondition',
      message: expect.stringContaining(`${dir} is in use by stowaged, pid ${process.pid}`),
    });
  }
  using _again = await lockDirectory(dir);
});
