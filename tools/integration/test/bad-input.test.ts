import { join } from 'node:path';
import { beforeAll, expect, test } from '@jest/globals';
import { connect } from '@stowage/client';
import { isDigest } from '@stowage/core';
import { ctr, demoArchive, freePort, mustCtr } from '@stowage/testing';
import { withDaemon } from '../suite.ts';

const suite = withDaemon('bad-input', { env: { STOWAGE_TEST: '1' } });
const IMAGE = 'example.org/demo:1';
const at = (namespace: string) => connect(suite.daemon.address, { namespace });

beforeAll(async () => {
  const archive = await demoArchive(join(suite.dir, 'image'), IMAGE);
  await mustCtr(suite.daemon.address, ['images', 'import', archive]);
}, 60_000);

test.each(['../up', 'a b', 'a/b', '-a', 'a..b', 'ü', 'x'.repeat(77), 'nul\0'])(
  'namespace %j is refused',
  async (name) => {
    await using client = at(suite.namespace);
    await expect(client.services.namespaces.create({ name, labels: {} })).rejects.toMatchObject({
      kind: 'invalid_argument',
      message: expect.stringContaining('namespace'),
    });
  },
);

test('a call without a namespace is failed_precondition and says what is missing', async () => {
  await using client = at('');
  for (const call of [
    client.services.images.get(IMAGE),
    client.services.containers.get('x'),
    client.services.tasks.get({ containerId: 'x' }),
    client.services.snapshotter('overlayfs').stat('x'),
    client.services.leases.create({}),
  ]) {
    await expect(call).rejects.toMatchObject({
      kind: 'failed_precondition',
      message: expect.stringContaining('namespace is required'),
    });
  }
});

test.each(['sha256:../../etc/passwd', 'sha256:', 'md5:d41d8cd98f00b204e9800998ecf8427e', 'SHA256:AB', 'x'])(
  'digest %j is refused',
  async (digest) => {
    expect(isDigest(digest)).toBe(false);
    await using client = at(suite.namespace);
    await expect(client.services.content.info(digest as never)).rejects.toMatchObject({
      kind: 'invalid_argument',
    });
  },
);

test('an unknown snapshotter is invalid_argument and the message lists those there are', async () => {
  await using client = at(suite.namespace);
  await expect(client.services.snapshotter('zfs').stat('x')).rejects.toMatchObject({
    kind: 'invalid_argument',
    message: expect.stringMatching(/zfs.*overlayfs/),
  });
});

test('a container id that is none is refused, and nothing is half-written', async () => {
  await using client = at(suite.namespace);
  const image = await client.image(IMAGE);
  await expect(client.createContainer({ id: '../x', image })).rejects.toMatchObject({
    kind: 'invalid_argument',
  });
  expect(await Array.fromAsync(client.services.containers.list())).toEqual([]);
  const left = await Array.fromAsync(client.services.snapshotter('overlayfs').list(['kind==active']));
  expect(left).toEqual([]);
});

test('an image that is not there is not_found and is named', async () => {
  await using client = at(suite.namespace);
  await expect(client.image('example.org/absent:1')).rejects.toMatchObject({
    kind: 'not_found',
    message: expect.stringContaining('example.org/absent:1'),
  });
});

test('a registry that is down is unavailable, and nothing is half-written', async () => {
  const host = `127.0.0.1:${await freePort()}`;
  await using client = at('down');
  await expect(client.pull(`${host}/demo:1`, { plainHttp: true })).rejects.toMatchObject({
    kind: 'unavailable',
    message: expect.stringContaining(host),
  });
  expect(await Array.fromAsync(client.services.images.list())).toEqual([]);
  expect(await Array.fromAsync(client.services.content.list())).toEqual([]);
  expect(await Array.fromAsync(client.services.leases.list())).toEqual([]);
});

test('a runtime that nobody serves is refused and named', async () => {
  const made = await ctr(suite.daemon.address, [
    'run',
    '--rm',
    '--runtime',
    'io.containerd.nothing.v9',
    IMAGE,
    'odd',
    '/bin/true',
  ]);
  expect(made.code).not.toBe(0);
  expect(made.stderr).toContain('io.containerd.nothing.v9');
});

test('a program that is not in the image: runc’s own words reach the caller, and nothing is left', async () => {
  const made = await ctr(suite.daemon.address, ['run', '--rm', IMAGE, 'nothing', '/bin/not-there']);
  expect(made.code).not.toBe(0);
  expect(made.stderr).toMatch(/not-there.*no such file or directory/);
  expect(await mustCtr(suite.daemon.address, ['tasks', 'ls', '-q'])).toBe('');
  expect(await mustCtr(suite.daemon.address, ['containers', 'ls', '-q'])).toBe('');
});
