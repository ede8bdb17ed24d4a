import { execFileSync } from 'node:child_process';
import {
  mkdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from '@jest/globals';
import { Mounter } from '../src/mounter.ts';
import { tempDir } from './fixtures/temp.ts';

function imageIn(path: string): string {
  const image = join(path, 'image');
  writeFileSync(image, '');
  truncateSync(image, 1 << 20);
  return image;
}

const backing = (device: string) =>
  readFileSync(`/sys/block/${basename(device)}/loop/backing_file`, 'utf8').trimEnd();

test('a loop device is attached until it is detached, whoever asks', async () => {
  using dir = tempDir();
  const image = imageIn(dir.path);
  const link = join(dir.path, 'link');
  let device: string;
  {
    await using mounter = new Mounter();
    device = await mounter.attachLoop(image, link, { mark: 'ours' });
    expect(readlinkSync(link)).toBe(device);
    expect(backing(device)).toBe(image);
  }
  await using another = new Mounter();
  expect(await another.isLoopAttached(link, 'ours')).toBe(true);
  expect(await another.isLoopAttached(link, 'theirs')).toBe(false);
  await another.detachLoop(link, 'ours');
  expect(await another.isLoopAttached(link, 'ours')).toBe(false);
  expect(() => readlinkSync(link)).toThrow('ENOENT');
  await another.detachLoop(link, 'ours');
});

test('a device that is somebody else’s by now is left alone', async () => {
  using dir = tempDir();
  await using mounter = new Mounter();
  const theirs = join(dir.path, 'theirs');
  const device = await mounter.attachLoop(imageIn(dir.path), theirs, { mark: 'theirs' });
  const stale = join(dir.path, 'stale');
  symlinkSync(device, stale);
  await mounter.detachLoop(stale, 'ours');
  expect(() => readlinkSync(stale)).toThrow('ENOENT');
  expect(await mounter.isLoopAttached(theirs, 'theirs')).toBe(true);
  await mounter.detachLoop(theirs, 'theirs');
});

test('a link that is no device, a mark that is too long and a taken name are refused', async () => {
  using dir = tempDir();
  await using mounter = new Mounter();
  const image = imageIn(dir.path);
  const link = join(dir.path, 'link');
  symlinkSync('/etc/passwd', link);
  await expect(mounter.detachLoop(link, 'x')).rejects.toMatchObject({ code: 'EINVAL' });
  await expect(mounter.attachLoop(image, link, { mark: 'x' })).rejects.toMatchObject({ code: 'EEXIST' });
  expect(readlinkSync(link)).toBe('/etc/passwd');
  const free = join(dir.path, 'free');
  const long = { mark: 'x'.repeat(64) };
  await expect(mounter.attachLoop(image, free, long)).rejects.toMatchObject({ code: 'ENAMETOOLONG' });
  await expect(mounter.attachLoop('/dev/null', free, { mark: 'x' })).rejects.toMatchObject({
    code: 'EINVAL',
  });
  expect(execFileSync('losetup', ['-n', '-O', 'NAME', '-j', image], { encoding: 'utf8' })).toBe('');
});

test('a directory is made below its root only, with the mode whatever the umask', async () => {
  using dir = tempDir();
  await using mounter = new Mounter();
  const make = (path: string, mode = 0o777) =>
    mounter.makeDirectory(dir.path, path, { mode, uid: 7, gid: 8 });
  await make('/plain');
  await make('plain/below', 0o1);
  const { mode, uid, gid } = statSync(join(dir.path, 'plain'));
  expect([mode & 0o7777, uid, gid]).toEqual([0o777, 7, 8]);
  mkdirSync(join(dir.path, 'kept'), { mode: 0o700 });
  await make('kept');
  expect(statSync(join(dir.path, 'kept'))).toMatchObject({ uid: 0 });
  symlinkSync('/tmp', join(dir.path, 'link'));
  writeFileSync(join(dir.path, 'file'), '');
  await expect(make('link/x')).rejects.toMatchObject({ code: 'ELOOP' });
  await expect(make('link')).rejects.toMatchObject({ code: 'ENOTDIR' });
  await expect(make('../x')).rejects.toMatchObject({ code: 'EXDEV' });
  await expect(make('/')).rejects.toMatchObject({ code: 'EXDEV' });
  await expect(make('file')).rejects.toMatchObject({ code: 'ENOTDIR' });
  await expect(make('absent/x')).rejects.toMatchObject({ code: 'ENOENT' });
});

test('with the option loop a file is mounted, and its device goes with the mount', async () => {
  using dir = tempDir();
  await using mounter = new Mounter();
  const image = imageIn(dir.path);
  truncateSync(image, 8 << 20);
  execFileSync('/sbin/mkfs.ext4', ['-q', image]);
  const mount = (...options: string[]) => ({ type: 'ext4', source: image, options: ['loop', ...options] });
  const attached = () => execFileSync('losetup', ['-n', '-O', 'NAME,RO', '-j', image], { encoding: 'utf8' });
  const readOnly = await mounter.withMount([mount('ro')], async (path) => {
    expect(() => writeFileSync(join(path, 'file'), '')).toThrow('EROFS');
    return attached();
  });
  expect(readOnly.trim()).toMatch(/^\/dev\/loop\d+ +1$/);
  await mounter.withMount([mount()], async (path) => writeFileSync(join(path, 'file'), 'text'));
  const text = await mounter.withMount([mount('rw')], async (path) =>
    readFileSync(join(path, 'file'), 'utf8'),
  );
  expect(text).toBe('text');
  await expect(mounter.mount([{ ...mount(), type: 'xfs' }], dir.path)).rejects.toMatchObject({
    code: 'EINVAL',
  });
  const giveUp = performance.now() + 10_000;
  while (attached() !== '' && performance.now() < giveUp) await delay(20);
  expect(attached()).toBe('');
});
