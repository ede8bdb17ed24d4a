import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { connect } from '@stowage/client';
import { LocalContentStore } from '@stowage/content-store';
import { hostPlatform } from '@stowage/core';
import { buildImage, writeArchive } from '@stowage/oci-image';
import {
  demoArchive,
  mustCtr,
  type Program,
  startRegistry,
  startRegistryFront,
  until,
} from '@stowage/testing';
import { beginStowage, mustStowage, stowage } from '../cli.ts';
import { withDaemon } from '../suite.ts';

let registry: (Program & { readonly host: string }) | undefined;
// Before the census, so before it is set up.
afterAll(async () => {
  await registry?.[Symbol.asyncDispose]();
});

const suite = withDaemon('cli-pull');
const LAYER_BYTES = 8 * 1024 * 1024;
let host: string;
let small: string;

const s = (...args: string[]) => stowage(suite.daemon.address, args);
const must = (...args: string[]) => mustStowage(suite.daemon.address, args);
const c = (...args: string[]) => mustCtr(suite.daemon.address, args);

/** Leaves it in the registry only: of what the daemon has in any namespace, nothing would be transferred. */
async function push(name: string): Promise<void> {
  await c('-n', 'pushing', 'images', 'push', '--plain-http', name);
  await c('-n', 'pushing', 'images', 'rm', '--sync', name);
}

async function pushNoise(name: string): Promise<void> {
  await using content = await LocalContentStore.open(join(suite.dir, name.replaceAll(/\W/g, '-')));
  const target = await buildImage(content, {
    platform: hostPlatform(),
    layers: [[{ path: 'noise', data: randomBytes(LAYER_BYTES), mode: 0o644 }]],
    config: {},
  });
  await using client = connect(suite.daemon.address, { namespace: 'pushing' });
  await client.importImages(writeArchive(content, [{ name, target }]));
  await push(name);
}

beforeAll(async () => {
  registry = await startRegistry(join(suite.dir, 'registry'));
  host = registry.host;
  small = `${host}/demo:1`;
  await c('-n', 'pushing', 'images', 'import', await demoArchive(join(suite.dir, 'image'), small));
  await push(small);
}, 60_000);

test('pull prints a line per step where there is no terminal, and the digest on standard output', async () => {
  const { code, stdout, stderr } = await s('pull', small);
  expect(code).toBe(0);
  expect(stdout).toMatch(/^sha256:[0-9a-f]{64}\n$/);
  const lines = stderr.trimEnd().split('\n');
  for (const line of lines) expect(line).toMatch(/^[0-9a-f]{12}: (fetched|unpacked|there already) \(.*B\)$/);
  expect(stderr).toMatch(/: unpacked/);
  expect(new Set(lines).size).toBe(lines.length);
  expect(await must('images', '-q')).toBe(`${small}\n`);
  const again = await s('pull', '-q', small);
  expect(again).toMatchObject({ code: 0, stdout, stderr: '' });
});

test('pull unpacks where it is told, several layers at a time', async () => {
  const [snapshotter, n] = ['native', 'elsewhere'];
  const pulled = await s(
    '-n',
    n,
    'pull',
    '-q',
    '--snapshotter',
    snapshotter,
    '--unpack-concurrency',
    '2',
    small,
  );
  expect(pulled).toMatchObject({ code: 0, stderr: '' });
  expect(await c('-n', n, 'snapshots', '--snapshotter', snapshotter, 'ls')).toMatch(/^sha256:.*Committed/m);
  expect(await c('-n', n, 'snapshots', 'ls')).not.toContain('sha256:');
  const wrong = await s('pull', '--unpack-concurrency', '0', small);
  expect(wrong).toMatchObject({ code: 1, stderr: expect.stringContaining('expected a whole number from 1') });
});

test('run pulls what is missing', async () => {
  const { code, stdout, stderr } = await s('-n', 'fresh', 'run', '--rm', small, 'echo', 'pulled');
  expect({ code, stdout }).toEqual({ code: 0, stdout: 'pulled\n' });
  expect(stderr).toMatch(/unpacked/);
  expect(await s('-n', 'fresh', 'run', '--rm', small, 'true')).toMatchObject({ code: 0, stderr: '' });
});

test('an image that the registry has not is named', async () => {
  const { code, stderr } = await s('pull', `${host}/absent`);
  expect(code).toBe(1);
  expect(stderr).toMatch(/absent:latest: the registry has nothing of this name/);
});

test.each(['SIGINT', 'SIGTERM'] as const)(
  '%s during a pull ends it and leaves nothing behind',
  async (signal) => {
    await using front = await startRegistryFront(host, LAYER_BYTES * 0.6);
    const namespace = `cut-by-${signal.toLowerCase()}`;
    await pushNoise(`${host}/${namespace}:1`);
    const begun = beginStowage(suite.daemon.address, [
      '-n',
      namespace,
      'pull',
      `${front.host}/${namespace}:1`,
    ]);
    await until('half of the layer', () => front.sentBytes() > LAYER_BYTES / 2);
    begun.child.kill(signal);
    expect(await begun.end).toMatchObject({ code: signal === 'SIGINT' ? 130 : 143 });
    expect(begun.err()).toMatch(/stowage: interrupted\n.*the next pull begins anew\.\n$/);
    expect(await c('-n', namespace, 'leases', 'ls', '-q')).toBe('');
    expect(await c('-n', namespace, 'snapshots', 'ls')).not.toContain('Active');
    expect(await must('-n', namespace, 'images', '-q')).toBe('');
    await until('its content to be collected', async () => {
      const kept = await c('-n', namespace, 'content', 'ls', '-q');
      return kept === '' && !(await c('-n', namespace, 'content', 'active')).includes('layer');
    });
  },
  30_000,
);

test('a pull goes on where one was whose client was killed', async () => {
  await using front = await startRegistryFront(host, LAYER_BYTES * 0.6);
  const name = `${front.host}/killed:1`;
  await pushNoise(`${host}/killed:1`);
  const begun = beginStowage(suite.daemon.address, ['-n', 'killed', 'pull', name]);
  await using client = connect(suite.daemon.address, { namespace: 'killed' });
  await until('half of the layer to be kept', async () => {
    const ingests = await Array.fromAsync(client.services.content.statuses());
    return ingests.some(({ offset }) => offset >= LAYER_BYTES / 2);
  });
  begun.child.kill('SIGKILL');
  await begun.end;
  front.open();
  const before = front.sentBytes();
  expect(await s('-n', 'killed', 'pull', '-q', name)).toMatchObject({ code: 0 });
  expect(front.sentBytes() - before).toBeLessThan(LAYER_BYTES * 0.6);
}, 30_000);
