import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { replaceFile } from '@stowage/core/durable';

test('a file is made, and replaced whole, for its owner alone; if that fails the old text stays', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'core-durable-'));
  try {
    const path = join(dir, 'file');
    await replaceFile(path, 'a longer text');
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    // What a crash left.
    await writeFile(`${path}.new`, 'something else, and longer than all the others');
    await replaceFile(path, 'short');
    expect(await readFile(path, 'utf8')).toBe('short');
    expect(await readdir(dir)).toEqual(['file']);
    await mkdir(`${path}.new`);
    await expect(replaceFile(path, 'no')).rejects.toMatchObject({ code: 'EISDIR' });
    expect(await readFile(path, 'utf8')).toBe('short');
  } finally {
    await rm(dir, { recursive: true });
  }
});
