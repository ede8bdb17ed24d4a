import { lstat, readdir, readFile, readlink, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { digestOf } from '@stowage/core';
import { getXattr } from '@stowage/linux';
import { dir, file, link, symlink, tar } from './tar-writer.ts';
import { Workspace } from './workspace.ts';

test('files, directories, links and nodes come out with content, owner, mode and times', async () => {
  await using at = await Workspace.open();
  const { path, mounts } = await at.bind();
  const archive = tar(
    { ...dir('etc', 0o750), uid: 7, gid: 8, mtime: 1_600_000_000 },
    { ...file('etc/passwd', 'root:x:0:0'), uid: 1000, gid: 1001, pax: { mtime: '1500000000.123456789' } },
    { ...file('bin/su', 'elf', 0o4755), uid: 1, gid: 2 },
    symlink('../etc/passwd', 'bin/link'),
    link('bin/su', 'bin/su2'),
    { name: 'dev/null', type: '3', dev: [1, 3], mode: 0o666, gid: 5 },
    { name: 'dev/loop', type: '4', dev: [7, 300], mode: 0o660 },
    { name: 'run/fifo', type: '6', mode: 0o622, uid: 3 },
  );
  const { digest, sizeBytes } = await at.apply(mounts, archive);

  expect({ digest, sizeBytes }).toEqual({ digest: digestOf(archive), sizeBytes: BigInt(archive.length) });
  expect(await readFile(join(path, 'etc/passwd'), 'utf8')).toBe('root:x:0:0');
  const passwd = await stat(join(path, 'etc/passwd'), { bigint: true });
  expect([passwd.uid, passwd.gid, passwd.mode & 0o7777n]).toEqual([1000n, 1001n, 0o644n]);
  expect(passwd.mtimeNs).toBe(1_500_000_000_123_456_789n);
  const etc = await stat(join(path, 'etc'));
  expect([etc.uid, etc.gid, etc.mode & 0o7777, etc.mtimeMs]).toEqual([7, 8, 0o750, 1_600_000_000_000]);
  const su = await stat(join(path, 'bin/su'));
  expect([su.uid, su.gid, su.mode & 0o7777, su.nlink]).toEqual([1, 2, 0o4755, 2]);
  expect(await readlink(join(path, 'bin/link'))).toBe('../etc/passwd');
  expect((await lstat(join(path, 'bin/link'))).mtimeMs).toBe(1_700_000_000_000);
  const device = await stat(join(path, 'dev/null'));
  expect([device.isCharacterDevice(), device.rdev, device.mode & 0o777, device.gid]).toEqual([
    true,
    0x103,
    0o666,
    5,
  ]);
  expect((await stat(join(path, 'dev/loop'))).rdev).toBe(0x10072c);
  expect((await stat(join(path, 'run/fifo'))).isFIFO()).toBe(true);
});

test('an overlay is changed as the layer says, and its lower layers are not', async () => {
  await using at = await Workspace.open();
  const base = await at.bind();
  await at.apply(
    base.mounts,
    tar(
      dir('a'),
      file('a/kept', '1'),
      file('a/gone', '2'),
      dir('b', 0o700),
      file('b/x'),
      dir('c'),
      file('c/old'),
      file('linked', 'L'),
    ),
  );
  const before = await readdir(base.path, { recursive: true });
  const { upper, mounts } = await at.overlay(base.path);
  await at.apply(
    mounts,
    tar(
      file('a/.wh.gone'),
      file('a/new', '3'),
      file('.wh.b'),
      dir('c'),
      file('c/new'),
      file('c/.wh..wh..opq'),
      link('linked', 'again'),
    ),
  );
  await at.see(mounts, async (path) => {
    expect((await readdir(path)).sort()).toEqual(['a', 'again', 'c', 'linked']);
    expect((await readdir(join(path, 'a'))).sort()).toEqual(['kept', 'new']);
    expect(await readdir(join(path, 'c'))).toEqual(['new']);
    const [one, two] = [await stat(join(path, 'linked')), await stat(join(path, 'again'))];
    expect(one.ino).toBe(two.ino);
    expect(await readFile(join(path, 'again'), 'utf8')).toBe('L');
  });
  expect((await readdir(upper)).filter((name) => name.startsWith('.'))).toEqual([]);
  expect(await readdir(base.path, { recursive: true })).toEqual(before);
  expect((await readdir(at.root)).includes('jail') && (await readdir(join(at.root, 'jail'))).length).toBe(0);
});

test('extended attributes are bytes; those that are overlayfs own notes are left out', async () => {
  await using at = await Workspace.open();
  const { path, mounts } = await at.bind();
  const capability = Buffer.from('0100000200040000000000000000000000000000', 'hex');
  await at.apply(
    mounts,
    tar({
      ...file('ping', 'elf', 0o755),
      uid: 5,
      pax: {
        'SCHILY.xattr.security.capability': capability,
        'SCHILY.xattr.user.binary': Buffer.from([0xff, 0x0a, 0x00, 0x3d]),
        'SCHILY.xattr.user.empty': '',
        'SCHILY.xattr.trusted.overlay.opaque': 'y',
      },
    }),
  );
  const ping = join(path, 'ping');
  expect(getXattr(ping, 'security.capability')).toEqual(capability);
  expect(getXattr(ping, 'user.binary')).toEqual(Buffer.from([0xff, 0x0a, 0x00, 0x3d]));
  expect(getXattr(ping, 'user.empty')).toHaveLength(0);
  expect(() => getXattr(ping, 'trusted.overlay.opaque')).toThrow('ENODATA');
});
