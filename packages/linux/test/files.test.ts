import {
  constants,
  lstatSync,
  mkdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import {
  close,
  dup,
  eventfd,
  eventfdRead,
  eventfdWrite,
  fionread,
  fsType,
  fstatfsType,
  getXattr,
  hasCode,
  lchmod,
  listXattrs,
  lutimes,
  makedev,
  mkfifo,
  mknod,
  open,
  openFifo,
  reflink,
  removeXattr,
  setBlocking,
  setNonblocking,
  setXattr,
  splitdev,
  statfsType,
  statusFlags,
  tryLock,
} from '../src/index.ts';
import { codeOf, tempDir } from './fixtures/temp.ts';

const closeOnExec = (fd: number): boolean => {
  const flags = /^flags:\s*(\d+)$/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8'))?.[1] ?? '0';
  return (Number.parseInt(flags, 8) & 0o2000000) !== 0;
};

test('an error says what failed, on what, and why', () => {
  const error = (() => {
    try {
      open('/nowhere/at all', constants.O_RDONLY);
      return undefined;
    } catch (e) {
      return e;
    }
  })();
  expect(error).toMatchObject({
    message: 'open /nowhere/at all: No such file or directory (ENOENT)',
    code: 'ENOENT',
    errno: -2,
    syscall: 'open',
  });
  expect(hasCode(error, 'EBUSY', 'ENOENT')).toBe(true);
  expect(hasCode(undefined, 'ENOENT')).toBe(false);
});

test('a path with NUL is refused, not cut short', () => {
  expect(codeOf(() => open('/etc/passwd\0.txt', constants.O_RDONLY))).toBe('EINVAL');
  expect(codeOf(() => open(Buffer.from('/etc/passwd\0'), constants.O_RDONLY))).toBe('EINVAL');
});

test('a path may be bytes that are no UTF-8', () => {
  using dir = tempDir();
  const path = Buffer.concat([Buffer.from(`${dir.path}/`), Buffer.from([0xff, 0xfe, 0x41])]);
  close(open(path, constants.O_CREAT | constants.O_WRONLY, 0o640));
  expect(statSync(path).mode & 0o777).toBe(0o640);
});

test('every descriptor made here is close-on-exec', () => {
  using dir = tempDir();
  const fifo = join(dir.path, 'fifo');
  mkfifo(fifo, 0o600);
  const first = openFifo(fifo, 'both');
  for (const fd of [first, dup(first), openFifo(fifo, 'write'), eventfd(), open('/', constants.O_RDONLY)]) {
    expect(closeOnExec(fd)).toBe(true);
    close(fd);
  }
});

test('FIFOs open without a peer, and the event loop goes on', async () => {
  using dir = tempDir();
  const fifo = join(dir.path, 'fifo');
  mkfifo(fifo, 0o600);
  expect(codeOf(() => openFifo(fifo, 'write'))).toBe('ENXIO');
  const reader = openFifo(fifo, 'read');
  const writer = openFifo(fifo, 'write');
  const both = openFifo(fifo, 'both', { nonblocking: true });
  await stat('/');
  expect(statusFlags(reader) & constants.O_NONBLOCK).toBe(0);
  expect(statusFlags(both) & constants.O_NONBLOCK).not.toBe(0);
  writeSync(writer, 'four');
  expect([fionread(reader), fionread(both)]).toEqual([4, 4]);
  for (const fd of [reader, writer, both]) close(fd);
});

test('O_NONBLOCK belongs to the description, and close of a closed one is EBADF', () => {
  const fd = open('/dev/null', constants.O_RDWR);
  const copy = dup(fd);
  setNonblocking(fd);
  expect(statusFlags(copy) & constants.O_NONBLOCK).not.toBe(0);
  setBlocking(copy);
  expect(statusFlags(fd) & constants.O_NONBLOCK).toBe(0);
  close(fd);
  close(copy);
  expect(codeOf(() => close(copy))).toBe('EBADF');
});

test('extended attributes are bytes, on files, links and descriptors', () => {
  using dir = tempDir();
  const file = join(dir.path, 'file');
  const link = join(dir.path, 'link');
  writeFileSync(file, '');
  symlinkSync('file', link);
  const value = Buffer.from([0, 10, 255, 0]);
  setXattr(file, 'user.bytes', value);
  setXattr(file, 'user.empty', Buffer.alloc(0));
  setXattr(link, 'trusted.overlay.opaque', Buffer.from('y'));
  expect(getXattr(file, 'user.bytes')).toEqual(value);
  expect(getXattr(file, 'user.empty')).toEqual(Buffer.alloc(0));
  expect(listXattrs(file).sort()).toEqual(['user.bytes', 'user.empty']);
  expect(listXattrs(link)).toEqual(['trusted.overlay.opaque']);
  expect(codeOf(() => getXattr(link, 'user.bytes'))).toBe('ENODATA');
  expect(codeOf(() => setXattr(link, 'user.on-a-link', value))).toBe('EPERM');
  const fd = open(file, constants.O_RDONLY);
  setXattr(fd, 'user.fd', value, { only: 'create' });
  expect(codeOf(() => setXattr(fd, 'user.fd', value, { only: 'create' }))).toBe('EEXIST');
  expect(codeOf(() => setXattr(fd, 'user.none', value, { only: 'replace' }))).toBe('ENODATA');
  expect(getXattr(fd, 'user.fd')).toEqual(value);
  removeXattr(fd, 'user.fd');
  removeXattr(file, 'user.empty');
  expect(listXattrs(fd)).toEqual(['user.bytes']);
  expect(codeOf(() => removeXattr(file, 'user.fd'))).toBe('ENODATA');
  close(fd);
});

test('a file capability survives as it was set', () => {
  using dir = tempDir();
  const file = join(dir.path, 'ping');
  writeFileSync(file, '');
  // VFS_CAP_REVISION_2, effective, CAP_NET_RAW.
  const capability = Buffer.from('0100000200200000000000000000000000000000', 'hex');
  setXattr(file, 'security.capability', capability);
  expect(getXattr(file, 'security.capability')).toEqual(capability);
});

test('devices, whiteouts and FIFOs', () => {
  using dir = tempDir();
  const at = (name: string) => join(dir.path, name);
  mknod(at('whiteout'), constants.S_IFCHR);
  mknod(at('block'), constants.S_IFBLK | 0o600, makedev(259, 70_000));
  mknod(at('fifo'), constants.S_IFIFO | 0o600);
  expect(statSync(at('whiteout'))).toMatchObject({ rdev: 0 });
  expect(statSync(at('block')).rdev).toBe(makedev(259, 70_000));
  expect(splitdev(makedev(4095, 1_048_575))).toEqual({ major: 4095, minor: 1_048_575 });
  expect(lstatSync(at('fifo')).isFIFO()).toBe(true);
  expect(codeOf(() => mknod(at('fifo'), constants.S_IFIFO | 0o600))).toBe('EEXIST');
});

test.each([[1_234_567_890_123_456_789n], [0n], [-1n], [-1_000_000_001n]])(
  'times of a link to the nanosecond: %s',
  (ns) => {
    using dir = tempDir();
    const link = join(dir.path, 'link');
    symlinkSync('nowhere', link);
    lutimes(link, ns, ns + 1n);
    expect(lstatSync(link, { bigint: true })).toMatchObject({ atimeNs: ns, mtimeNs: ns + 1n });
    lutimes(link, undefined, 5n);
    expect(lstatSync(link, { bigint: true })).toMatchObject({ atimeNs: ns, mtimeNs: 5n });
  },
);

test('permissions are never set through a link', () => {
  using dir = tempDir();
  const file = join(dir.path, 'file');
  writeFileSync(file, '', { mode: 0o600 });
  symlinkSync('file', join(dir.path, 'link'));
  expect(codeOf(() => lchmod(join(dir.path, 'link'), 0o777))).toBe('EOPNOTSUPP');
  expect(statSync(file).mode & 0o7777).toBe(0o600);
  lchmod(file, 0o4755);
  expect(statSync(file).mode & 0o7777).toBe(0o4755);
});

test('an eventfd counts', () => {
  const fd = eventfd(2);
  eventfdWrite(fd, 3n);
  expect(eventfdRead(fd)).toBe(5n);
  expect(eventfdRead(fd)).toBeUndefined();
  eventfdWrite(fd, 2n ** 64n - 2n);
  eventfdWrite(fd); // Full: does not wait.
  expect(eventfdRead(fd)).toBe(2n ** 64n - 2n);
  close(fd);
});

test('a lock is held once, and follows the path', () => {
  using dir = tempDir();
  const path = join(dir.path, 'lock');
  {
    using first = tryLock(path);
    expect(first).toBeDefined();
    expect(tryLock(path)).toBeUndefined();
  }
  using again = tryLock(path);
  expect(again).toBeDefined();
  expect(statSync(path).mode & 0o777).toBe(0o600);
  symlinkSync('lock', join(dir.path, 'link'));
  expect(codeOf(() => tryLock(join(dir.path, 'link')))).toBe('ELOOP');
});

test('filesystem types', () => {
  const fd = open('/proc', constants.O_RDONLY);
  expect([statfsType('/proc'), fstatfsType(fd)]).toEqual([fsType.proc, fsType.proc]);
  close(fd);
});

test('a reflink that cannot be made is false, not an error', () => {
  using dir = tempDir();
  mkdirSync(join(dir.path, 'd'));
  writeFileSync(join(dir.path, 'a'), 'bytes');
  const from = open(join(dir.path, 'a'), constants.O_RDONLY);
  const to = open(join(dir.path, 'b'), constants.O_CREAT | constants.O_RDWR);
  const proc = open('/proc/self/stat', constants.O_RDONLY);
  if (![fsType.btrfs, fsType.xfs].includes(fstatfsType(to) as never)) expect(reflink(from, to)).toBe(false);
  expect(reflink(proc, to)).toBe(false);
  for (const fd of [from, to, proc]) close(fd);
});
