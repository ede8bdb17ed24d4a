import { chmod, mkdir, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, expect, test } from '@jest/globals';
import { connect } from '@stowage/client';
import { buildImage, type LayerFile } from '@stowage/oci-image';
import { type SpecOption, withArgs } from '@stowage/oci-spec';
import { BUSYBOX, mustCtr, run } from '@stowage/testing';
import { withDaemon } from '../suite.ts';

const suite = withDaemon('snapshots');
const ctr = (...args: string[]) => mustCtr(suite.daemon.address, args, { timeoutMs: 60_000 });
const IMAGE = 'example.org/layers:1';
const LAYERS = 120;

/** A root to run in, then layers that each replace a file, add one and remove that of the layer before. */
const layers: LayerFile[][] = [
  [
    { path: 'bin/busybox', source: BUSYBOX, mode: 0o755 },
    { path: 'bin/sh', link: 'busybox' },
    ...['proc', 'dev', 'sys', 'tmp', 'layers'].map((path): LayerFile => ({ path, directory: true })),
  ],
  ...Array.from({ length: LAYERS - 1 }, (_, i): LayerFile[] => [
    { path: 'layers/shared', data: `${i + 1}` },
    { path: `layers/own${i + 1}`, data: `${i + 1}` },
    { path: `layers/.wh.own${i}`, data: '' },
  ]),
];

beforeAll(async () => {
  await using client = connect(suite.daemon.address, { namespace: suite.namespace });
  await using lease = await client.lease();
  const { content, images } = lease.client.services;
  const config = { Cmd: ['/bin/sh'], Env: ['PATH=/bin'] };
  const target = await buildImage(content, { layers, config });
  await images.create({ name: IMAGE, target, labels: {} });
  const image = await client.image(IMAGE);
  await image.unpack({ concurrency: 4 });
}, 120_000);

test('introspection tells what a snapshotter can do here', async () => {
  const listed = await ctr('plugins', 'ls', '-d', 'id==overlayfs');
  for (const capability of ['rebase', 'remap-ids', 'only-remap-ids']) expect(listed).toContain(capability);
});

test('120 layers that were unpacked side by side are one tree, to a client that mounts them itself', async () => {
  const listed = await ctr('snapshots', 'ls');
  expect(listed.split('\n').filter((line) => line.includes('Committed'))).toHaveLength(LAYERS);
  const target = join(suite.dir, 'mounted');
  await mkdir(target);
  await ctr('images', 'mount', IMAGE, target);
  try {
    expect((await readdir(join(target, 'layers'))).sort()).toEqual([`own${LAYERS - 1}`, 'shared']);
    expect(await readFile(join(target, 'layers/shared'), 'utf8')).toBe(`${LAYERS - 1}`);
  } finally {
    await run('umount', [target]);
    await ctr('snapshots', 'rm', target);
  }
}, 60_000);

test('a container runs on all of them', async () => {
  const output = await ctr('run', '--rm', IMAGE, 'layered', '/bin/busybox', 'ls', '/layers');
  expect(output.trim().split('\n')).toEqual([`own${LAYERS - 1}`, 'shared']);
}, 60_000);

test('a container in a user namespace owns the files of its image, without a change of them', async () => {
  // Root of the container is nobody to the host, and must get to its root file system.
  await chmod(suite.dir, 0o711);
  await using client = connect(suite.daemon.address, { namespace: suite.namespace });
  const map = [{ containerID: 0, hostID: 100_000, size: 65_536 }];
  const inUserNamespace: SpecOption = (spec) => ({
    ...spec,
    linux: {
      ...spec.linux,
      uidMappings: map,
      gidMappings: map,
      namespaces: [...(spec.linux?.namespaces ?? []), { type: 'user' }],
    },
  });
  const script = 'stat -c %u:%g /bin/busybox; echo x > /layers/shared && cat /layers/shared';
  await using container = await client.createContainer({
    id: 'mapped',
    image: await client.image(IMAGE),
    snapshotLabels: {
      'containerd.io/snapshot/uidmapping': '0:100000:65536',
      'containerd.io/snapshot/gidmapping': '0:100000:65536',
    },
    spec: [inUserNamespace, withArgs('/bin/busybox', 'sh', '-c', script)],
  });
  await using task = await container.createTask({ io: { stdout: true, stderr: true } });
  let output = '';
  for (const stream of [task.stdout, task.stderr])
    stream?.on('data', (chunk: Buffer) => {
      output += chunk.toString();
    });
  const exit = task.finished(); // And not `wait`: what it printed is to be here too.
  await task.start();
  expect([(await exit).exitStatus, output]).toEqual([0, '0:0\nx\n']);
}, 60_000);
