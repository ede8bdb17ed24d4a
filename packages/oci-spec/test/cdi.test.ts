import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { tempDir } from '@stowage/testing';
import {
  composeSpec,
  type DeviceLookup,
  type SpecOption,
  withAnnotations,
  withArgs,
  withCdiDevices,
  withUser,
} from '../src/index.ts';

const compose = (...options: SpecOption[]) =>
  composeSpec({ namespace: 'n', id: 'c' }, withArgs('sh'), ...options);
const lookup: DeviceLookup = {
  find: async (path) =>
    path.startsWith('/dev/gpu')
      ? { type: 'c', major: 195, minor: Number(path.at(-1)), mode: 0o666, uid: 0, gid: 0 }
      : undefined,
  list: async () => [],
};

const GPU = {
  cdiVersion: '0.7.0',
  kind: 'example.com/gpu',
  annotations: { note: 'ignored' },
  containerEdits: {
    env: ['GPU=yes', 'PATH=/gpu'],
    mounts: [{ hostPath: '/opt/gpu', containerPath: '/usr/lib/gpu', options: ['ro', 'rbind'] }],
    hooks: [{ hookName: 'createContainer', path: '/usr/bin/hook', args: ['hook', 'x'], timeout: 5 }],
  },
  devices: [
    { name: '0', containerEdits: { deviceNodes: [{ path: '/dev/gpu0' }], env: ['GPU0=1'] } },
    {
      name: '1',
      containerEdits: {
        deviceNodes: [{ path: '/dev/card', hostPath: '/dev/gpu1', permissions: 'rw', fileMode: 0o600 }],
        additionalGids: [0, 44],
        intelRdt: { closID: 'gpu' },
      },
    },
    {
      name: 'whole',
      containerEdits: {
        deviceNodes: [{ path: '/dev/given', type: 'b', major: 9, minor: 9 }],
        mounts: [{ hostPath: 'proc', containerPath: '/proc', type: 'proc' }],
      },
    },
    { name: 'broken', containerEdits: { deviceNodes: [{ path: '/dev/absent' }] } },
  ],
};

async function specDirs(files: Readonly<Record<string, unknown>>) {
  const dir = await tempDir('cdi');
  const dirs = ['etc', 'run'].map((name) => join(dir.path, name));
  for (const path of dirs) await mkdir(path);
  for (const [name, content] of Object.entries(files))
    await writeFile(join(dir.path, name), typeof content === 'string' ? content : JSON.stringify(content));
  return { dirs, [Symbol.asyncDispose]: () => dir[Symbol.asyncDispose]() };
}

test('edits of the file once, and of each device', async () => {
  await using cdi = await specDirs({ 'etc/gpu.json': GPU, 'etc/notes.txt': 'not read' });
  const names = ['example.com/gpu=0', 'example.com/gpu=1', 'example.com/gpu=0'];
  const spec = await compose(withUser('1000:1000'), withCdiDevices(names, { specDirs: cdi.dirs, lookup }));
  expect(spec.process?.env).toEqual(['PATH=/gpu', 'GPU=yes', 'GPU0=1']);
  expect(spec.process?.user.additionalGids).toEqual([1000, 44]);
  expect(spec.linux?.devices).toEqual([
    { path: '/dev/gpu0', type: 'c', major: 195, minor: 0, fileMode: 0o666, uid: 1000, gid: 1000 },
    { path: '/dev/card', type: 'c', major: 195, minor: 1, fileMode: 0o600, uid: 1000, gid: 1000 },
  ]);
  expect(spec.linux?.resources?.devices?.slice(-2)).toEqual([
    { allow: true, type: 'c', major: 195, minor: 0, access: 'rwm' },
    { allow: true, type: 'c', major: 195, minor: 1, access: 'rw' },
  ]);
  expect(spec.mounts?.filter((m) => m.destination === '/usr/lib/gpu')).toEqual([
    { destination: '/usr/lib/gpu', source: '/opt/gpu', type: 'bind', options: ['ro', 'rbind'] },
  ]);
  expect(spec.hooks).toEqual({
    createContainer: [{ path: '/usr/bin/hook', args: ['hook', 'x'], timeout: 5 }],
  });
  expect(spec.linux?.intelRdt).toEqual({ closID: 'gpu' });
});

test('a device that is described wholly is not looked up; a mount replaces the one at its place', async () => {
  await using cdi = await specDirs({ 'etc/gpu.json': GPU });
  const { linux, mounts } = await compose(
    withCdiDevices(['example.com/gpu=whole'], { specDirs: cdi.dirs, lookup }),
  );
  expect(linux?.devices).toEqual([{ path: '/dev/given', type: 'b', major: 9, minor: 9 }]);
  expect(mounts?.filter((m) => m.destination === '/proc')).toEqual([
    { destination: '/proc', source: 'proc', type: 'proc', options: [] },
  ]);
  const places = mounts?.map((m) => m.destination) ?? [];
  expect(places.indexOf('/dev')).toBeLessThan(places.indexOf('/dev/shm'));
});

test('the later directory wins; two files of one directory are in conflict, but only over what is asked for', async () => {
  const one = (name: string, env: string) => ({ name, containerEdits: { env: [env] } });
  const file = (...devices: unknown[]) => ({ cdiVersion: '0.3.0', kind: 'a.b/c', devices });
  await using cdi = await specDirs({
    'etc/1.json': file(one('x', 'FROM=etc'), one('y', 'FROM=etc1')),
    'etc/2.json': file(one('y', 'FROM=etc2')),
    'run/1.json': file(one('x', 'FROM=run')),
  });
  const of = (name: string) => compose(withCdiDevices([name], { specDirs: cdi.dirs }));
  expect((await of('a.b/c=x')).process?.env).toContain('FROM=run');
  await expect(of('a.b/c=y')).rejects.toMatchObject({
    kind: 'conflict',
    message: expect.stringMatching(/a\.b\/c=y.*1\.json.*2\.json/),
  });
});

test('what is missing is named, with the files that could not be read', async () => {
  await using cdi = await specDirs({
    'etc/gpu.json': GPU,
    'etc/broken.json': '{',
    'run/new.json': { ...GPU, cdiVersion: '9.0.0' },
    'run/nic.yaml': 'cdiVersion: 0.5.0',
  });
  const options = { specDirs: [...cdi.dirs, '/nonexistent/cdi'], lookup };
  const names = ['example.com/gpu=0', 'example.com/gpu=7', 'example.com/nic=0'];
  await expect(compose(withCdiDevices(names, options))).rejects.toMatchObject({
    kind: 'not_found',
    message: expect.stringMatching(/gpu=7, example\.com\/nic=0.*broken\.json.*9\.0\.0.*nic\.yaml.*YAML/),
  });
  // Those files are no reason to refuse another vendor's device.
  await compose(withCdiDevices(['example.com/gpu=0'], options));
  await expect(compose(withCdiDevices(['example.com/gpu=broken'], options))).rejects.toMatchObject({
    kind: 'not_found',
    message: expect.stringContaining('/dev/absent'),
  });
});

test('YAML is read by a parser that is given', async () => {
  await using cdi = await specDirs({ 'etc/gpu.yaml': 'whatever' });
  const parseYaml = (text: string) => (text === 'whatever' ? GPU : undefined);
  const option = withCdiDevices(['example.com/gpu=0'], { specDirs: cdi.dirs, lookup, parseYaml });
  expect((await compose(option)).process?.env).toContain('GPU0=1');
});

test('annotations ask for nothing', async () => {
  await using cdi = await specDirs({ 'etc/gpu.json': GPU });
  const smuggled = withAnnotations({ 'cdi.k8s.io/vfio': 'example.com/gpu=0' });
  const spec = await compose(smuggled, withCdiDevices([], { specDirs: cdi.dirs, lookup }));
  expect(spec.linux?.devices).toBeUndefined();
  expect(spec.process?.env.join()).not.toContain('GPU');
});

test('a file that is a link or no file is not read', async () => {
  await using cdi = await specDirs({ real: GPU });
  await symlink(join(cdi.dirs[0] ?? '', '../real'), join(cdi.dirs[0] ?? '', 'gpu.json'));
  const option = withCdiDevices(['example.com/gpu=0'], { specDirs: cdi.dirs, lookup });
  await expect(compose(option)).rejects.toMatchObject({ kind: 'not_found' });
});

test.each<readonly [string, (file: typeof GPU) => unknown]>([
  ['is no object', () => []],
  ['cdiVersion', ({ cdiVersion: _, ...file }) => file],
  ['kind', (file) => ({ ...file, kind: 'gpu' })],
  ['kind', (file) => ({ ...file, kind: 'a/b/c' })],
  ['devices', (file) => ({ ...file, devices: [] })],
  ['twice', (file) => ({ ...file, devices: [...file.devices, file.devices[0]] })],
  ['name', (file) => ({ ...file, devices: [{ name: '-x', containerEdits: {} }] })],
  ['containerEdits', (file) => ({ ...file, devices: [{ name: 'x' }] })],
  ['surprise', (file) => ({ ...file, surprise: 1 })],
  ['netDevices', (file) => ({ ...file, containerEdits: { netDevices: [] } })],
  ['env[0]', (file) => ({ ...file, containerEdits: { env: ['=x'] } })],
  ['deviceNodes[0]', (file) => ({ ...file, containerEdits: { deviceNodes: [{}] } })],
  ['deviceNodes[0].path', (file) => ({ ...file, containerEdits: { deviceNodes: [{ path: 'dev' }] } })],
  ['access', (file) => ({ ...file, containerEdits: { deviceNodes: [{ path: '/d', permissions: 'x' }] } })],
  ['mounts[0]', (file) => ({ ...file, containerEdits: { mounts: [{ hostPath: '/a' }] } })],
  ['hookName', (file) => ({ ...file, containerEdits: { hooks: [{ hookName: 'never', path: '/h' }] } })],
  [
    'timeout',
    (file) => ({ ...file, containerEdits: { hooks: [{ hookName: 'prestart', path: '/h', timeout: 0 }] } }),
  ],
  ['additionalGids[0]', (file) => ({ ...file, containerEdits: { additionalGids: [-1] } })],
])('a file is refused for its %s', async (named, change) => {
  await using cdi = await specDirs({ 'etc/gpu.json': change(GPU) });
  const option = withCdiDevices(['example.com/gpu=0'], { specDirs: cdi.dirs, lookup });
  await expect(compose(option)).rejects.toMatchObject({
    kind: 'not_found',
    message: expect.stringContaining(named),
  });
});

test.each([
  '',
  'gpu',
  'gpu=0',
  'a/b',
  'a/b=',
  'a/b=-',
  '/b=0',
  'a/=0',
  'a/b/c=0',
  '1a/b=0',
  'a/b=0=1',
  'a/b=x/y',
])('%j names no device', (name) => {
  expect(() => withCdiDevices([name])).toThrow(expect.objectContaining({ kind: 'invalid_argument' }));
});
