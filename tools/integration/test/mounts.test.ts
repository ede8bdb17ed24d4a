import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, expect, test } from '@jest/globals';
import { remoteContainers } from '@stowage/containers/remote';
import type { Mount } from '@stowage/core';
import { remoteLeases } from '@stowage/leases/remote';
import { remoteMounts } from '@stowage/mounts/remote';
import { composeSpec, specBytes, withArgs } from '@stowage/oci-spec';
import { unixTransport } from '@stowage/rpc/transport';
import { remoteTasks } from '@stowage/tasks/remote';
import { BUSYBOX, must, mustCtr, until } from '@stowage/testing';
import { withDaemon } from '../suite.ts';

const suite = withDaemon('mounts');
const scope = { namespace: suite.namespace };
const silent = { stdin: '', stdout: '', stderr: '', terminal: false };
let image: string;

/** All that a client of the daemon needs here. */
function connected() {
  const transport = unixTransport(suite.daemon.address);
  return {
    containers: remoteContainers(transport, scope),
    tasks: remoteTasks(transport, scope),
    mounts: remoteMounts(transport, scope),
    leases: remoteLeases(transport, scope),
    [Symbol.asyncDispose]: () => transport[Symbol.asyncDispose](),
  };
}

async function newContainer(id: string, ...args: string[]): Promise<void> {
  await using client = connected();
  await client.containers.create({
    ...{ id, labels: {}, image: '', snapshotter: '', snapshotKey: '', extensions: {}, sandboxId: '' },
    runtime: { name: 'io.containerd.runc.v2' },
    spec: specBytes(await composeSpec({ ...scope, id }, withArgs(...args))),
  });
}

/** Files of the suite that loop devices are attached to. */
async function attached(): Promise<string[]> {
  const lines = (await must('losetup', ['-n', '-O', 'BACK-FILE'])).split('\n');
  return lines.map((line) => line.trim()).filter((file) => file.startsWith(suite.dir));
}

const ext4: readonly Mount[] = [
  { type: 'loop', source: '', options: [] },
  { type: 'format/ext4', source: '{{ mount 0 }}', options: [] },
];
const rootfs = () => ext4.map((mount) => (mount.type === 'loop' ? { ...mount, source: image } : mount));

beforeAll(async () => {
  const tree = join(suite.dir, 'tree');
  for (const name of ['bin', 'proc', 'dev', 'sys', 'tmp', 'run'])
    await mkdir(join(tree, name), { recursive: true });
  await writeFile(join(tree, 'bin/busybox'), await readFile(BUSYBOX), { mode: 0o755 });
  await writeFile(join(tree, 'greeting'), 'from ext4\n');
  image = join(suite.dir, 'rootfs.ext4');
  await must('/sbin/mkfs.ext4', ['-q', '-d', tree, image, '16M']);
}, 60_000);

test('a container runs on an ext4 image behind a loop device, and leaves nothing', async () => {
  await using client = connected();
  await newContainer('image', '/bin/busybox', 'sh', '-c', 'busybox cat /greeting; busybox touch /written');
  const stdout = `file://${join(suite.dir, 'stdout')}`;
  await client.tasks.create({
    containerId: 'image',
    rootfs: rootfs(),
    ...{ stdin: '', stdout, stderr: '' },
    terminal: false,
  });
  const { active, labels } = await client.mounts.info('image');
  expect(active.map(({ type }) => type)).toEqual(['loop']);
  expect({ ...labels }).toEqual({ 'containerd.io/gc.bref.container': 'image' });
  expect(await attached()).toEqual([image]);
  const exit = client.tasks.wait({ containerId: 'image' });
  await client.tasks.start({ containerId: 'image' });
  expect((await exit).exitStatus).toBe(0);
  expect(await readFile(join(suite.dir, 'stdout'), 'utf8')).toBe('from ext4\n');
  await client.tasks.delete('image');
  await expect(client.mounts.info('image')).rejects.toMatchObject({ kind: 'not_found' });
  await until('loop devices to go', async () => (await attached()).length === 0);
  await client.containers.delete('image');
});

test('two images under an overlay that is a template', async () => {
  await using client = connected();
  const upper = join(suite.dir, 'upper.ext4');
  await must('/sbin/mkfs.ext4', ['-q', upper, '16M']);
  const mounts: Mount[] = [
    { type: 'loop', source: image, options: ['ro'] },
    { type: 'format/ext4', source: '{{ mount 0 }}', options: ['ro'] },
    { type: 'loop', source: upper, options: [] },
    { type: 'format/ext4', source: '{{ mount 2 }}', options: [] },
    {
      type: 'format/mkdir/overlay',
      source: 'overlay',
      options: [
        'X-containerd.mkdir.path={{ mount 3 }}/upper:0755',
        'X-containerd.mkdir.path={{ mount 3 }}/work:0755',
        ...['lowerdir={{ mount 1 }}', 'upperdir={{ mount 3 }}/upper', 'workdir={{ mount 3 }}/work'],
      ],
    },
  ];
  await newContainer(
    'overlay',
    '/bin/busybox',
    'sh',
    '-c',
    'echo new > /greeting && busybox grep -q new /greeting',
  );
  await client.tasks.create({
    containerId: 'overlay',
    rootfs: mounts,
    ...silent,
  });
  const exit = client.tasks.wait({ containerId: 'overlay' });
  await client.tasks.start({ containerId: 'overlay' });
  expect((await exit).exitStatus).toBe(0);
  await client.tasks.delete('overlay');
  await until('loop devices to go', async () => (await attached()).length === 0);
  await client.containers.delete('overlay');
});

test.each(['SIGTERM', 'SIGKILL'] as const)(
  'a container goes on over the daemon and its %s',
  async (signal) => {
    const id = `over-${signal}`;
    await newContainer(id, '/bin/busybox', 'sleep', '1000');
    {
      await using client = connected();
      await client.tasks.create({ containerId: id, rootfs: rootfs(), ...silent });
      await client.tasks.start({ containerId: id });
    }
    await suite.daemon.stop(signal);
    expect(await attached()).toEqual([image]);
    await suite.daemon.start();
    await using client = connected();
    expect((await client.mounts.info(id)).active).toHaveLength(1);
    expect((await client.tasks.get({ containerId: id })).status).toBe('running');
    const exit = client.tasks.wait({ containerId: id });
    await client.tasks.kill({ containerId: id, signal: 9 });
    expect((await exit).exitStatus).toBe(137);
    await client.tasks.delete(id);
    await until('loop devices to go', async () => (await attached()).length === 0);
    await client.containers.delete(id);
  },
);

test('the manager and its handler are on the list of plugins, as containerd names them', async () => {
  const plugins = await mustCtr(suite.daemon.address, ['plugins', 'ls']);
  for (const one of [
    'io.containerd.mount-manager.v1 +local',
    'io.containerd.mount-handler.v1 +loop',
    'io.containerd.grpc.v1 +mounts',
  ])
    expect(plugins).toMatch(new RegExp(`^${one} .* ok`, 'm'));
});

test('a task that can not be made leaves no mounts, and mounts that nobody can make are told', async () => {
  await using client = connected();
  await newContainer('bad', '/no/such/program');
  const create = (mounts: readonly Mount[]) =>
    client.tasks.create({
      containerId: 'bad',
      rootfs: mounts,
      ...silent,
    });
  await expect(
    create([...rootfs(), { type: 'bind', source: '/no/such', options: ['rbind'] }]),
  ).rejects.toThrow();
  await expect(client.mounts.info('bad')).rejects.toMatchObject({ kind: 'not_found' });
  await until('loop devices to go', async () => (await attached()).length === 0);
  await expect(create([{ type: 'erofs/loop', source: image, options: [] }])).rejects.toMatchObject({
    kind: 'unimplemented',
  });
  await client.containers.delete('bad');
});

test('activations by name, with leases; what a client left is collected', async () => {
  await using client = connected();
  const { id: lease } = await client.leases.create({});
  await using transport = unixTransport(suite.daemon.address);
  const leased = remoteMounts(transport, { ...scope, lease });
  await leased.activate('leased', rootfs());
  await client.mounts.activate('other', rootfs(), {
    labels: { 'containerd.io/gc.bref.container': 'absent' },
  });
  const listed = await Array.fromAsync(client.mounts.list(), ({ name }) => name);
  expect(listed).toContain('leased');
  await client.leases.delete(lease, { sync: true });
  expect(await Array.fromAsync(client.mounts.list())).toEqual([]);
  await until('loop devices to go', async () => (await attached()).length === 0);
  const state = join(suite.daemon.state, 'io.containerd.mount-manager.v1.local');
  expect((await readdir(state)).filter((name) => name !== 'lock')).toEqual([]);
});
