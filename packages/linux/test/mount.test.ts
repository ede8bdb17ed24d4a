import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import {
  mkdirSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  statfsSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { expect, test } from '@jest/globals';
import type { Mount } from '@stowage/core';
import {
  MS,
  mount,
  mountAll,
  openat2,
  openInRoot,
  parseMountOptions,
  RESOLVE,
  umount,
  umountAll,
  umountTree,
} from '../src/blocking.ts';
import { close, fsType, open, shutdownFilesystem, statfsType } from '../src/index.ts';
import { isWithin, parseMountInfo, threadMountInfo } from '../src/mountinfo.ts';
import { shortenOverlay, splitLayers } from '../src/overlay-mount.ts';
import { codeOf, tempDir } from './fixtures/temp.ts';

const made = (type: string, options: readonly string[], source = type): Mount => ({ type, source, options });
const mountAtPath = (path: string) =>
  threadMountInfo()
    .filter(({ mountPoint }) => mountPoint === path)
    .at(-1);

test.each<[string, readonly string[], Partial<ReturnType<typeof parseMountOptions>>]>([
  ['overlay', ['lowerdir=/a:/b', 'index=off'], { flags: 0, data: ['lowerdir=/a:/b', 'index=off'] }],
  ['bind', ['rbind', 'ro'], { flags: MS.BIND | MS.REC | MS.RDONLY }],
  ['bind', ['bind', 'ro', 'rw'], { flags: MS.BIND, cleared: MS.RDONLY }],
  ['tmpfs', ['rw', 'ro'], { flags: MS.RDONLY, cleared: 0 }],
  [
    'tmpfs',
    ['nosuid', 'nodev', 'noexec', 'relatime', 'defaults', 'size=1m'],
    {
      flags: MS.NOSUID | MS.NODEV | MS.NOEXEC | MS.RELATIME,
      data: ['size=1m'],
    },
  ],
  ['bind', ['rbind', 'rslave'], { flags: MS.BIND | MS.REC, propagation: MS.SLAVE | MS.REC }],
  ['tmpfs', ['constructor', '__proto__=x'], { flags: 0, data: ['constructor', '__proto__=x'] }],
])('options of %s %j', (type, options, expected) => {
  expect(parseMountOptions(made(type, options))).toMatchObject(expected);
});

test.each([
  ['overlay', 'X-containerd.mkdir.path=/x:0755'],
  ['ext4', 'loop=/dev/loop0'],
  ['mkfs/ext4', 'size=1'],
  ['fuse3.sshfs', 'ro'],
])('what needs somebody else is refused: %s %s', (type, option) => {
  expect(() => parseMountOptions(made(type, [option]))).toThrow(
    expect.objectContaining({ kind: 'unimplemented' }),
  );
});

test('a read-only bind is read-only, and keeps what its source forbids', () => {
  using dir = tempDir();
  const [source, target] = [join(dir.path, 'source'), join(dir.path, 'target')];
  mkdirSync(source);
  mkdirSync(target);
  mount(made('tmpfs', ['nodev', 'nosuid', 'size=1m']), source);
  mount(made('bind', ['rbind', 'ro'], source), target);
  expect(mountAtPath(target)?.options).toEqual(expect.arrayContaining(['ro', 'nodev', 'nosuid']));
  expect(mountAtPath(source)?.options).toContain('rw');
  expect(codeOf(() => writeFileSync(join(target, 'x'), ''))).toBe('EROFS');
  umount(target);
  mount(made('bind', ['bind', 'dev', 'noexec'], source), target);
  expect(mountAtPath(target)?.options).toEqual(expect.arrayContaining(['rw', 'noexec', 'nosuid']));
  expect(mountAtPath(target)?.options).not.toContain('nodev');
  umount(target);
  mount(made('bind', ['bind', 'rshared'], source), target);
  expect(mountAtPath(target)?.propagation).toEqual([expect.stringMatching(/^shared:/)]);
});

test('a failed mount leaves nothing, and says what the kernel said', () => {
  using dir = tempDir();
  expect(codeOf(() => mount(made('tmpfs', ['bogus=1']), dir.path))).toBe('EINVAL');
  expect(codeOf(() => mount(made('nosuchfs', []), dir.path))).toBe('ENODEV');
  expect(codeOf(() => mountAll([made('tmpfs', []), made('tmpfs', ['bogus=1'])], dir.path))).toBe('EINVAL');
  expect(codeOf(() => mount(made('tmpfs', [`mpol=${'x'.repeat(5000)}`]), dir.path))).toBe('E2BIG');
  expect(mountAtPath(dir.path)).toBeUndefined();
});

test('a target below the mount point cannot be led out by a link', () => {
  using dir = tempDir();
  using outside = tempDir();
  mkdirSync(join(dir.path, 'sub'));
  symlinkSync(outside.path, join(dir.path, 'absolute'));
  mkdirSync(join(dir.path, outside.path), { recursive: true });
  expect(mount({ ...made('tmpfs', ['size=1m']), target: 'sub' }, dir.path)).toBe(join(dir.path, 'sub'));
  expect(mount({ ...made('tmpfs', ['size=1m']), target: '/absolute' }, dir.path)).toBe(
    join(dir.path, outside.path),
  );
  expect(mountAtPath(outside.path)).toBeUndefined();
  expect(umountTree(dir.path)).toBe(2);
});

test('unmounting undoes a whole stack, and nothing mounted is fine', () => {
  using dir = tempDir();
  for (const _ of [1, 2, 3]) mount(made('tmpfs', ['size=1m']), dir.path);
  expect(umountAll(dir.path)).toBe(3);
  expect(umountAll(dir.path)).toBe(0);
  expect(umountAll(join(dir.path, 'absent'))).toBe(0);
  expect(codeOf(() => umount(dir.path))).toBe('EINVAL');
  mount(made('tmpfs', ['size=1m']), dir.path);
  const link = `${dir.path}-link`;
  symlinkSync(dir.path, link);
  expect(umountAll(link)).toBe(0);
  execFileSync('rm', [link]);
});

function layers(base: string, count: number, name: string): string[] {
  return Array.from({ length: count }, (_, i) => {
    const path = join(base, `${i}-${name}`);
    mkdirSync(path);
    writeFileSync(join(path, `file${i}`), '');
    return path;
  });
}

test.each([
  ['short', 2, 'x'],
  ['longer than a page', 120, 'a-name-that-is-not-so-very-short'],
  ['of very long names', 20, 'n'.repeat(240)],
])('an overlay whose layers are %s', (_, count, name) => {
  using dir = tempDir();
  const lower = layers(dir.path, count, name);
  const [upper, work, target] = ['u', 'w', 't'].map((one) => join(dir.path, one)) as [string, string, string];
  for (const one of [upper, work, target]) mkdirSync(one);
  const options = [`lowerdir=${lower.join(':')}`, `upperdir=${upper}`, `workdir=${work}`, 'nodev'];
  mount(made('overlay', options), target);
  expect(readdirSync(target)).toHaveLength(count);
  expect(mountAtPath(target)).toMatchObject({
    fsType: 'overlay',
    options: expect.arrayContaining(['nodev']),
  });
  writeFileSync(join(target, 'new'), '');
  expect(readdirSync(upper)).toEqual(['new']);
  umount(target);
  mount(made('overlay', [`lowerdir=${lower.join(':')}`, 'ro']), target);
  expect(codeOf(() => writeFileSync(join(target, 'new'), ''))).toBe('EROFS');
});

test('a long overlay goes to a target below, as a short one does', () => {
  using dir = tempDir();
  const lower = layers(dir.path, 120, 'a-name-that-is-not-so-very-short');
  mkdirSync(join(dir.path, 'root/below'), { recursive: true });
  const long: Mount = { ...made('overlay', [`lowerdir=${lower.join(':')}`]), target: '/below' };
  expect(mount(long, join(dir.path, 'root'))).toBe(join(dir.path, 'root/below'));
  expect(readdirSync(join(dir.path, 'root/below'))).toHaveLength(120);
});

test('an overlay that fails layer by layer tells which layer', () => {
  using dir = tempDir();
  const lower = layers(dir.path, 30, 'x'.repeat(200));
  const options = [`lowerdir=${[...lower, '/nowhere'].join(':')}`];
  expect(() => mount(made('overlay', options), dir.path)).toThrow(
    expect.objectContaining({ code: 'ENOENT' }),
  );
  expect(mountAtPath(dir.path)).toBeUndefined();
});

test('a layer list is split at colons that are not escaped', () => {
  expect(splitLayers('/a:/b\\:c:/d\\\\')).toEqual([
    { path: '/a', dataOnly: false },
    { path: '/b:c', dataOnly: false },
    { path: '/d\\', dataOnly: false },
  ]);
  expect(splitLayers('/a::/data')).toEqual([
    { path: '/a', dataOnly: false },
    { path: '/data', dataOnly: true },
  ]);
});

test('options of an old kernel are shortened by the directory all layers share', () => {
  expect(
    shortenOverlay(['lowerdir=/s/1/fs:/s/2/fs', 'upperdir=/s/3/fs', 'workdir=/s/3/work', 'index=off']),
  ).toEqual({
    directory: '/s',
    data: ['lowerdir=1/fs:2/fs', 'upperdir=3/fs', 'workdir=3/work', 'index=off'],
  });
  expect(shortenOverlay(['lowerdir=/s/1:/t/2'])).toBeUndefined();
});

test('in a worker, options are shortened without moving the process', async () => {
  using dir = tempDir();
  const cwd = process.cwd();
  const worker = new Worker(new URL('./fixtures/shorten-worker.ts', import.meta.url), {
    workerData: dir.path,
  });
  const [[seen]] = await Promise.all([once(worker, 'message'), once(worker, 'exit')]);
  expect(seen).toEqual(['a', 'b']);
  expect(process.cwd()).toBe(cwd);
});

test('mountinfo is read as the kernel escapes it', () => {
  using dir = tempDir();
  const odd = join(dir.path, 'with blank\tand\\');
  mkdirSync(odd);
  mount(made('tmpfs', ['size=1m'], 'a source'), odd);
  expect(mountAtPath(odd)).toMatchObject({ source: 'a source', fsType: 'tmpfs', root: '/', propagation: [] });
  umount(odd);
  const line = '36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 shared:2 - ext3 /dev/root rw,errors=continue';
  expect(parseMountInfo(`${line}\n`)).toEqual([
    {
      id: 36,
      parentId: 35,
      major: 98,
      minor: 0,
      root: '/mnt1',
      mountPoint: '/mnt2',
      options: ['rw', 'noatime'],
      propagation: ['master:1', 'shared:2'],
      fsType: 'ext3',
      source: '/dev/root',
      superOptions: ['rw', 'errors=continue'],
    },
  ]);
  expect([isWithin('/a/b', '/a'), isWithin('/ab', '/a'), isWithin('/a', '/')]).toEqual([true, false, true]);
});

test('openat2 stays in its root', () => {
  using dir = tempDir();
  symlinkSync('/etc', join(dir.path, 'link'));
  mkdirSync(join(dir.path, 'real'));
  const root = open(dir.path, 0o10000000);
  expect(codeOf(() => openat2(root, 'link/passwd', 0, RESOLVE.IN_ROOT))).toBe('ENOENT');
  expect(codeOf(() => openat2(root, 'link', 0, RESOLVE.NO_SYMLINKS))).toBe('ELOOP');
  expect(codeOf(() => openat2(root, '../etc', 0, RESOLVE.BENEATH))).toBe('EXDEV');
  close(openat2(root, 'new', 0o101, RESOLVE.BENEATH, 0o640));
  close(openInRoot(dir.path, '../../real'));
  close(root);
});

test('a filesystem that was shut down loses what was not synced', () => {
  using dir = tempDir();
  const image = join(dir.path, 'image');
  const target = join(dir.path, 'target');
  mkdirSync(target);
  execFileSync('truncate', ['-s', '16M', image]);
  execFileSync('mkfs.ext4', ['-q', image]);
  const device = String(execFileSync('losetup', ['-f', '--show', image])).trim();
  try {
    const disk = made('ext4', [], device);
    mount(disk, target);
    writeFileSync(join(target, 'lost'), 'x'.repeat(10_000));
    const fd = open(target, 0);
    shutdownFilesystem(fd, 'nologflush');
    close(fd);
    expect(codeOf(() => writeFileSync(join(target, 'later'), ''))).toBe('EIO');
    umount(target);
    mount(disk, target);
    expect(readdirSync(target)).toEqual(['lost+found']);
    expect(statfsType(target)).toBe(fsType.ext4);
    expect(statfsSync(target).type).toBe(fsType.ext4);
    umount(target);
  } finally {
    execFileSync('losetup', ['-d', device]);
  }
  rmdirSync(target);
  expect(readFileSync('/proc/self/mountinfo', 'utf8')).not.toContain(device);
});
