import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { writeBlob } from '@stowage/content';
import { contentRoutes } from '@stowage/content/service';
import { cases } from '@stowage/content-conformance';
import { LocalContentStore } from '@stowage/content-store';
import { digestOf } from '@stowage/core';
import { listen } from '@stowage/rpc/server';

const MAIN = path.join(import.meta.dirname, '../src/main.ts');
/** What a content plugin has not. */
const PLUGIN = ['--without', 'labels', '--without', 'namespaces'];
let directory: string;
let socket: string;
let local: LocalContentStore;
let server: AsyncDisposable;

// A content plugin: no namespaces, no leases, no labels.
beforeEach(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'content-conformance-command-'));
  socket = path.join(directory, 'sock');
  local = await LocalContentStore.open(path.join(directory, 'content'));
  server = await listen({ address: { path: socket }, routes: [contentRoutes(() => local)] });
});
afterEach(async () => {
  await server[Symbol.asyncDispose]();
  await local[Symbol.asyncDispose]();
  await rm(directory, { recursive: true });
});

async function command(...args: string[]) {
  const child = spawn(process.execPath, ['--conditions=stowage-source', MAIN, ...args], {
    env: { ...process.env, NODE_OPTIONS: '' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const [out, err, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'close'),
  ]);
  return { out, err, code };
}

test('a plugin without namespaces, leases and labels passes, and nothing is left in it', async () => {
  const { out, err, code } = await command(`unix://${socket}`, ...PLUGIN);
  expect({ err, code }).toEqual({ err: '', code: 0 });
  expect(out).toMatch(/^ok +blobs\/fresh-store-is-empty$/m);
  expect(out).toMatch(/^skipped +labels\/given-at-commit: needs labels$/m);
  const [passed = 0, failed, differs, skipped = 0] =
    (out.split('\n').at(-2) ?? '').match(/\d+/g)?.map(Number) ?? [];
  expect([passed + skipped, failed, differs]).toEqual([cases.length, 0, 0]);
  expect(skipped).toBe(cases.filter(({ needs = [] }) => needs.some((need) => need !== 'reopen')).length);
  expect(await Array.fromAsync(local.list())).toEqual([]);
  expect(await Array.fromAsync(local.statuses())).toEqual([]);
}, 60_000);

test('a case that fails is told with its reason, and with exit code 1', async () => {
  // It claims labels, which it does not keep.
  const { out, code } = await command(socket, '--without', 'namespaces', '--only', 'labels/');
  expect(out).toMatch(/^FAILED +labels\/replaced-as-a-whole: update sha256:\w+: this store keeps no labels/m);
  expect(out).toMatch(/^\d+ passed, [1-9]\d* failed, 0 differs, 1 skipped\n$/m);
  expect(code).toBe(1);
});

test('a store that takes no notice of namespaces and has something in it is not touched', async () => {
  const bytes = Buffer.from('precious');
  await writeBlob(local, 'r', bytes, { digest: digestOf(bytes), size: 8n });
  const { out, code } = await command(socket, '--without', 'namespaces', '--only', 'blobs/info');
  expect(out).toMatch(new RegExp(`^FAILED +blobs/info: .*${digestOf(bytes)}.*need an empty store`, 'm'));
  expect(code).toBe(1);
  expect((await local.info(digestOf(bytes))).sizeBytes).toBe(8n);
});

test('where nothing can be run the exit code is 2', async () => {
  const nobody = path.join(directory, 'nobody');
  expect(await command(nobody)).toMatchObject({ out: '', err: expect.stringContaining(nobody), code: 2 });
  for (const args of [
    [],
    [socket, '--differs', 'nope'],
    [socket, '--only', 'nope'],
    [socket, '--without', 'nope'],
    [socket, '--with', 'labels'],
    [socket, '--timeout', 'soon'],
    [socket, socket],
    [socket, '--nope'],
  ]) {
    expect(await command(...args)).toMatchObject({
      out: '',
      err: expect.stringMatching(/^content-conformance: .*--help/),
      code: 2,
    });
  }
  expect(await command('--help')).toMatchObject({ out: expect.stringContaining('Exit code'), code: 0 });
}, 60_000);
