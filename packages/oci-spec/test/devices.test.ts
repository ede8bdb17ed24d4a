import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { tempDir } from '@stowage/testing';
import {
  composeSpec,
  type DeviceLookup,
  type HostDevice,
  hostDevices,
  parseDevice,
  type SpecOption,
  withArgs,
  withCapabilities,
  withDeviceRules,
  withDevices,
  withHostDevices,
  withPrivileged,
} from '../src/index.ts';
import { inContainer } from './in-container.ts';

const compose = (...options: SpecOption[]) =>
  composeSpec({ namespace: 'n', id: 'c' }, withArgs('sh'), ...options);
const DEFAULT_RULES = 10;

/** A host with a disk, a directory of sound devices, what is no device, and what is to be passed over. */
const disk: HostDevice = { type: 'b', major: 8, minor: 0, mode: 0o660, uid: 0, gid: 6 };
const sound: HostDevice = { type: 'c', major: 116, minor: 2, mode: 0o660, uid: 0, gid: 29 };
const tree: Readonly<Record<string, readonly string[]>> = {
  '/dev': ['console', 'log', 'pts', 'sda', 'snd'],
  '/dev/snd': ['by-path', 'seq'],
  '/dev/snd/by-path': ['pci'],
  '/dev/pts': ['0'],
  '/dev/empty': [],
};
const nodes: Readonly<Record<string, HostDevice | 'other'>> = {
  '/dev/console': sound,
  '/dev/log': 'other',
  '/dev/sda': disk,
  '/dev/snd/seq': sound,
  '/dev/snd/by-path/pci': { ...sound, minor: 3 },
  '/dev/pts/0': sound,
};
const lookup: DeviceLookup = {
  find: async (path) => (path in tree ? 'directory' : nodes[path]),
  list: async (directory) => tree[directory] ?? [],
};

test('a device is made, and may be used as is said', async () => {
  const { linux } = await compose(
    withDevices([parseDevice('/dev/sda:/dev/disk:r'), { path: '/dev/snd/seq' }], lookup),
  );
  expect(linux?.devices).toEqual([
    { path: '/dev/disk', type: 'b', major: 8, minor: 0, fileMode: 0o660, uid: 0, gid: 6 },
    { path: '/dev/snd/seq', type: 'c', major: 116, minor: 2, fileMode: 0o660, uid: 0, gid: 29 },
  ]);
  expect(linux?.resources?.devices?.slice(DEFAULT_RULES)).toEqual([
    { allow: true, type: 'b', major: 8, minor: 0, access: 'r' },
    { allow: true, type: 'c', major: 116, minor: 2, access: 'rwm' },
  ]);
});

test('a directory stands for the devices in it, and a node replaces the one at its path', async () => {
  const { linux } = await compose(
    withDevices([{ path: '/dev/snd/', containerPath: '/dev/sound/' }], lookup),
    withDevices([{ path: '/dev/sda', containerPath: '/dev/sound/seq' }], lookup),
  );
  expect(linux?.devices?.map((d) => `${d.path} ${d.type}`)).toEqual([
    '/dev/sound/by-path/pci c',
    '/dev/sound/seq b',
  ]);
});

test('all of the host’s, but terminals and what is no device', async () => {
  const { linux } = await compose(withPrivileged(), withHostDevices(lookup));
  expect(linux?.devices?.map((d) => d.path)).toEqual(['/dev/sda', '/dev/snd/by-path/pci', '/dev/snd/seq']);
  expect(linux?.resources?.devices).toEqual([{ allow: true, access: 'rwm' }]);
});

test('rules of one’s own come last, and decide', async () => {
  const rule = { allow: false, type: 'c', major: 1, minor: 3, access: 'w' } as const;
  expect((await compose(withDeviceRules([rule]))).linux?.resources?.devices?.at(-1)).toEqual(rule);
});

test('what is no device, and what is not there', async () => {
  const of = (path: string) => compose(withDevices([{ path }], lookup));
  await expect(of('/dev/log')).rejects.toMatchObject({ kind: 'invalid_argument' });
  await expect(of('/dev/absent')).rejects.toMatchObject({ kind: 'not_found' });
  await expect(of('/dev/empty')).rejects.toMatchObject({ kind: 'not_found' });
});

test.each([
  ['/dev/x', { path: '/dev/x' }],
  ['/dev/x:/dev/y', { path: '/dev/x', containerPath: '/dev/y' }],
  ['/dev/x:rm', { path: '/dev/x', access: 'rm' }],
  ['/dev/x:/dev/y:w', { path: '/dev/x', containerPath: '/dev/y', access: 'w' }],
])('device %s', (text, expected) => {
  expect(parseDevice(text)).toEqual(expected);
});

test.each([
  '',
  ':',
  'dev/x',
  '/dev/x:',
  '/dev/x:y',
  '/dev/x:/dev/y:',
  '/dev/x:/dev/y:rr',
  '/a:/b:r:w',
  '/../dev/x',
])('device %j is refused', (text) => {
  expect(() => parseDevice(text)).toThrow(expect.objectContaining({ kind: 'invalid_argument' }));
});

test('this machine’s devices, by number', async () => {
  await using dir = await tempDir('devices');
  await writeFile(join(dir.path, 'file'), '');
  await mkdir(join(dir.path, 'd'));
  const host = hostDevices();
  expect(await host.find('/dev/null')).toMatchObject({ type: 'c', major: 1, minor: 3, mode: 0o666 });
  expect(await host.find('/dev/urandom')).toMatchObject({ type: 'c', major: 1, minor: 9 });
  expect(await host.find(join(dir.path, 'file'))).toBe('other');
  expect(await host.find(join(dir.path, 'd'))).toBe('directory');
  expect(await host.find(join(dir.path, 'absent'))).toBeUndefined();
  expect(await host.find(join(dir.path, 'file/below'))).toBeUndefined();
  expect(await host.list(dir.path)).toEqual(['d', 'file']);
});

test('runc: a device of the host is denied until it is given, and then only for what is said', async () => {
  // Able to make nodes, which runc allows: what counts is whether they can be opened.
  const able = withCapabilities({ add: ['mknod'] });
  const script = '$B mknod /made c 1 11; { : > /made; } 2>/dev/null && echo opened; true';
  const lookup: DeviceLookup = {
    find: async () => ({ type: 'c', major: 1, minor: 11, mode: 0o666, uid: 0, gid: 0 }),
    list: async () => [],
  };
  const given = (access: string) => withDevices([{ path: '/dev/kmsg', access }], lookup);
  expect((await inContainer(script, able)).stdout).toBe('');
  expect((await inContainer(script, able, given('r'))).stdout).toBe('');
  expect((await inContainer(script, able, given('w'))).stdout).toBe('opened\n');
  expect((await inContainer('$B stat -c %t:%T /dev/kmsg', given('r'))).stdout).toBe('1:b\n');
});
