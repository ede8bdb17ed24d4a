import { chown } from 'node:fs/promises';
import { expect, test } from '@jest/globals';
import {
  composeSpec,
  type IdMapping,
  parseIdMappings,
  type SpecOption,
  withArgs,
  withHostNetwork,
  withRootless,
  withUser,
  withUserNamespace,
  withUserNamespacePath,
} from '../src/index.ts';
import { inContainerOf } from './in-container.ts';

const compose = (...options: SpecOption[]) =>
  composeSpec({ namespace: 'n', id: 'c' }, withArgs('sh'), ...options);
const map = (containerID: number, hostID: number, size: number): IdMapping => ({ containerID, hostID, size });
const usual = [map(0, 100_000, 65_536)];

test('ids of its own, in a namespace of its own', async () => {
  const { linux, mounts } = await compose(withUserNamespace(usual));
  expect(linux?.namespaces).toContainEqual({ type: 'user' });
  expect(linux).toMatchObject({ uidMappings: usual, gidMappings: usual });
  expect(mounts?.find((m) => m.type === 'devpts')?.options).toContain('gid=5');
});

test('what the kernel would refuse there is left out or shown instead, whatever the order', async () => {
  const one = withUserNamespace([map(0, 1000, 1)]);
  for (const options of [
    [one, withHostNetwork()],
    [withHostNetwork(), one],
  ]) {
    const { mounts } = await compose(...options);
    expect(mounts?.find((m) => m.type === 'devpts')?.options).not.toContain('gid=5');
    expect(mounts?.find((m) => m.destination === '/sys')).toEqual({
      destination: '/sys',
      type: 'bind',
      source: '/sys',
      options: ['rbind', 'nosuid', 'noexec', 'nodev', 'ro'],
    });
  }
});

test('users and groups that mean nobody outside are refused by name', async () => {
  const few = withUserNamespace([map(0, 1000, 10)], [map(0, 1000, 20)]);
  await expect(compose(few, withUser('10'))).rejects.toMatchObject({
    kind: 'invalid_argument',
    message: expect.stringContaining('user 10'),
  });
  await expect(compose(withUser('1:20'), few)).rejects.toMatchObject({
    message: expect.stringContaining('group 20'),
  });
  const group = Buffer.from('a:x:50:web\n');
  const lookup = async () => ({ passwd: Buffer.from('web:x:1:1::/:\n'), group });
  await expect(compose(withUser('web', lookup), few)).rejects.toMatchObject({
    message: expect.stringContaining('group 50'),
  });
  await compose(withUser('9:19'), few);
});

test('a namespace that is joined has its own mappings', async () => {
  const { linux } = await compose(withUserNamespace(usual), withUserNamespacePath('/proc/1/ns/user'));
  expect(linux?.namespaces?.filter((n) => n.type === 'user')).toEqual([
    { type: 'user', path: '/proc/1/ns/user' },
  ]);
  expect(linux).not.toHaveProperty('uidMappings');
  expect(() => withUserNamespacePath('ns')).toThrow(expect.objectContaining({ kind: 'invalid_argument' }));
});

test('rootless: one user, the host’s network, no control groups', async () => {
  const { linux } = await compose(withRootless({ uid: 1000, gid: 100 }));
  expect(linux?.uidMappings).toEqual([map(0, 1000, 1)]);
  expect(linux?.gidMappings).toEqual([map(0, 100, 1)]);
  expect(linux?.namespaces?.some((n) => n.type === 'network')).toBe(false);
  expect(linux).not.toHaveProperty('resources');
  expect(linux).not.toHaveProperty('cgroupsPath');
});

test.each<readonly [string, readonly IdMapping[]]>([
  ['none', []],
  ['empty', [map(0, 0, 0)]],
  ['negative', [map(-1, 0, 1)]],
  ['broken', [map(0.5, 0, 1)]],
  ['no number', [map(Number.NaN, 0, 1)]],
  ['beyond the container’s ids', [map(1, 0, 0xffff_ffff)]],
  ['beyond the host’s ids', [map(0, 0xffff_fffe, 2)]],
  ['wrapping around', [map(0, 100, 2 ** 32)]],
  ['overlapping inside', [map(0, 1000, 10), map(9, 2000, 1)]],
  ['overlapping outside', [map(0, 1000, 10), map(10, 1009, 1)]],
  ['the same twice', [map(0, 1000, 1), map(0, 1000, 1)]],
  ['too many', Array.from({ length: 341 }, (_, i) => map(i, i, 1))],
])('mappings: %s', (_, mappings) => {
  const invalid = expect.objectContaining({ kind: 'invalid_argument' });
  expect(() => withUserNamespace(mappings)).toThrow(invalid);
  expect(() => withUserNamespace(usual, mappings)).toThrow(invalid);
});

test('all ids at once, and as many ranges as the kernel takes', () => {
  withUserNamespace([map(0, 0, 0xffff_ffff)]);
  withUserNamespace(Array.from({ length: 340 }, (_, i) => map(i, i + 5, 1)));
});

test('mappings are read as containerd writes them', () => {
  expect(parseIdMappings('0:100000:65536,65536:5:1')).toEqual([map(0, 100_000, 65_536), map(65_536, 5, 1)]);
  for (const text of [
    '',
    '0',
    '0:1',
    '0:1:2:3',
    '-1:0:1',
    '0:1:0',
    '0:1:x',
    '0:0:1,',
    '0:1:5,4:9:1',
    '0:0:4294967296',
  ])
    expect(() => parseIdMappings(text)).toThrow(expect.objectContaining({ kind: 'invalid_argument' }));
});

test('runc: root in it is nobody outside', async () => {
  const prepare = (rootfs: string) => chown(rootfs, 100_000, 100_000);
  const script = `$B cat /proc/self/uid_map /proc/self/gid_map; $B id -u; echo x > /file; $B stat -c %u /file
    $B stat -c %u /proc/1/root/bin 2>/dev/null; $B chown 0 /bin/busybox 2>/dev/null || echo not mine`;
  const { stdout, stderr } = await inContainerOf({ prepare }, script, withUserNamespace(usual));
  expect({
    lines: stdout
      .replace(/ +/g, ' ')
      .split('\n')
      .map((l) => l.trim()),
    stderr,
  }).toEqual({
    lines: ['0 100000 65536', '0 100000 65536', '0', '0', '65534', 'not mine', ''],
    stderr: expect.anything(),
  });
});
