import { closeSync, constants, fstatSync, mkdirSync, openSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { close, mknod } from '@stowage/linux';
import { Directory } from '../src/pack/directory.ts';
import { Workspace } from './workspace.ts';

test('a name that means something else by now is neither followed nor waited for', async () => {
  await using at = await Workspace.open();
  const path = await at.directory('tree');
  mkdirSync(join(path, 'd'));
  writeFileSync(join(path, 'd/file'), 'x');
  symlinkSync('d', join(path, 'toDirectory'));
  symlinkSync('d/file', join(path, 'toFile'));
  mknod(join(path, 'fifo'), constants.S_IFIFO | 0o600);
  mknod(join(path, 'socket'), constants.S_IFSOCK | 0o600);
  mknod(join(path, 'whiteout'), constants.S_IFCHR, 0);
  const fd = openSync(path, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    const directory = new Directory(fd);
    expect(() => directory.openFile('toFile')).toThrow('ELOOP');
    expect(() => directory.openDirectory('toDirectory')).toThrow(/ELOOP|ENOTDIR/);
    expect(() => directory.openDirectory('fifo')).toThrow('ENOTDIR');
    for (const name of ['..', 'd/../..', '/']) expect(() => directory.openDirectory(name)).toThrow('EXDEV');
    // Waiting for somebody to write to it would be for ever.
    const fifo = directory.openFile('fifo');
    expect(fstatSync(fifo).isFIFO()).toBe(true);
    closeSync(fifo);
    close(directory.openDirectory('d'));
    expect(directory.inspect('toFile')?.kind).toBe('symlink');
    for (const name of ['socket', 'whiteout', 'absent']) expect(directory.inspect(name)).toBeUndefined();
  } finally {
    closeSync(fd);
  }
});
