import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { jsonBytes, TYPE_URL } from '@stowage/core';
import { makeBundle, removeBundle } from '../src/bundle.ts';

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'stowage-bundle-'));
});
afterEach(() => rm(dir, { recursive: true }));

const spec = (more: object = {}) => jsonBytes(TYPE_URL.spec, { ociVersion: '1.0.2', ...more });
const mode = async (path: string) => (await stat(path)).mode & 0o7777;

test('a bundle holds the spec as it was given and an empty rootfs, for root alone', async () => {
  const path = join(dir, 'ns', 'one');
  await makeBundle(path, spec());
  expect((await readdir(path)).sort()).toEqual(['config.json', 'rootfs']);
  expect(await readFile(join(path, 'config.json'))).toEqual(Buffer.from(spec().value));
  expect(await mode(path)).toBe(0o700);
  expect(await mode(join(path, 'config.json'))).toBe(0o600);
  expect(await mode(join(dir, 'ns'))).toBe(0o711);
});

test('the mapped root of a user namespace may walk through, and nobody else', async () => {
  const path = join(dir, 'ns', 'mapped');
  await makeBundle(
    path,
    spec({ linux: { gidMappings: [{ containerID: 0, hostID: 100_000, size: 65_536 }] } }),
  );
  expect(await mode(path)).toBe(0o710);
  expect((await stat(path)).gid).toBe(100_000);
});

test('a bundle that a crash left behind is replaced', async () => {
  const path = join(dir, 'ns', 'again');
  await mkdir(join(path, 'rootfs'), { recursive: true });
  await writeFile(join(path, 'stale'), 'x');
  await makeBundle(path, spec());
  expect(await readdir(path)).not.toContain('stale');
});

test('a rootfs that is not empty is never deleted', async () => {
  const path = join(dir, 'ns', 'full');
  await makeBundle(path, spec());
  await writeFile(join(path, 'rootfs', 'precious'), 'x');
  await expect(removeBundle(path)).rejects.toMatchObject({
    kind: 'failed_precondition',
    message: expect.stringContaining(path),
  });
  expect(await readFile(join(path, 'rootfs', 'precious'), 'utf8')).toBe('x');
});

test('a spec that is no JSON is refused before anything is made', async () => {
  const path = join(dir, 'ns', 'bad');
  const bad = { typeUrl: TYPE_URL.spec, value: new TextEncoder().encode('{') };
  await expect(makeBundle(path, bad)).rejects.toMatchObject({ kind: 'invalid_argument' });
  await expect(stat(path)).rejects.toMatchObject({ code: 'ENOENT' });
});

test('removing what is not there is a success', async () => {
  await removeBundle(join(dir, 'absent'));
});

test('a bundle that there is no room for leaves nothing, and says so', async () => {
  const small = join(dir, 'small');
  await mkdir(small);
  const run = promisify(execFile);
  await run('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'stowage-bundle', small]);
  try {
    const large = jsonBytes(TYPE_URL.spec, { hostname: 'x'.repeat(100_000) });
    await expect(makeBundle(join(small, 'ns', 'large'), large)).rejects.toMatchObject({
      kind: 'resource_exhausted',
    });
    expect(await readdir(join(small, 'ns'))).toEqual([]);
  } finally {
    await run('umount', [small]);
  }
});
