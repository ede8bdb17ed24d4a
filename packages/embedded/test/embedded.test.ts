import { execFile } from 'node:child_process';
import { createReadStream } from 'node:fs';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Client } from '@stowage/client';
import { unlessAbsent } from '@stowage/core';
import { withArgs } from '@stowage/oci-spec';
import { demoArchive } from '@stowage/testing';
import { Embedded, type EmbeddedOptions } from '../src/index.ts';

const IMAGE = 'example.org/demo:1';

let dir: string;
let archive: string;
let roots = 0;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'stowage-embedded-'));
  archive = await demoArchive(join(dir, 'image'), IMAGE);
});
afterAll(() => rm(dir, { recursive: true }));

const place = (name = `root${roots++}`) => ({ root: join(dir, name), state: join(dir, `${name}-state`) });
const open = (at: ReturnType<typeof place>, more: Partial<EmbeddedOptions> = {}) =>
  Embedded.open({ ...at, ...more });

async function withImage(client: Client) {
  const [image] = await client.importImages(createReadStream(archive));
  if (image === undefined) throw new Error('the archive holds no image');
  await image.unpack();
  return image;
}

async function runForGood(client: Client, id: string): Promise<number> {
  const spec = [withArgs('/bin/sh', '-c', 'while :; do sleep 1; done')];
  const container = await client.createContainer({ id, image: await withImage(client), spec });
  const task = await container.createTask();
  const pid = await task.start();
  task.release();
  await task[Symbol.asyncDispose]();
  return pid;
}

async function isAlive(pid: number): Promise<boolean> {
  const stat = await unlessAbsent(readFile(`/proc/${pid}/stat`, 'utf8'));
  return stat !== undefined && !/\) [ZX] /.test(stat);
}

/** Processes that were told of a directory. */
async function processesOf(directory: string): Promise<string[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid);
  const lines = await Promise.all(
    pids.map((pid) => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')),
  );
  return lines.filter((line) => line.includes(directory)).map((line) => line.replaceAll('\0', ' '));
}

test('a program imports, unpacks and runs, is changed in nothing, and ends by itself', async () => {
  const { root } = place();
  const host = fileURLToPath(new URL('fixtures/host.ts', import.meta.url));
  const options = ['--conditions=stowage-source', '--disable-warning=ExperimentalWarning'];
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [...options, host, root, archive], {
    timeout: 60_000,
  });
  expect(stderr).toBe('');
  const { output, exitStatus, before, after } = JSON.parse(stdout);
  expect({ output, exitStatus }).toEqual({ output: 'hello\n', exitStatus: 3 });
  expect(before).toMatchObject({ umask: 0o027, signals: [] });
  expect(after).toEqual(before);
  expect(await processesOf(root)).toEqual([]);
}, 90_000);

test('a root belongs to one engine, and two roots are two engines', async () => {
  const at = place();
  await using one = await open(at);
  await expect(open(at)).rejects.toMatchObject({
    kind: 'failed_precondition',
    message: expect.stringContaining(`in use by an embedded engine, pid ${process.pid}`),
  });
  await using other = await open(place());
  await withImage(one.client());
  const names = async ({ services }: Client) =>
    (await Array.fromAsync(services.images.list())).map(({ name }) => name);
  expect(await names(one.client())).toEqual([IMAGE]);
  expect(await names(other.client())).toEqual([]);
}, 60_000);

test('an engine that does not start lets go of its root', async () => {
  const at = place();
  const config = { 'stowage.runtime.v1.runc': { lifetime: 'short' } };
  await expect(open(at, { config })).rejects.toMatchObject({ kind: 'invalid_argument' });
  await using _ = await open(at);
}, 60_000);

test('containers end with the engine, and their records stay', async () => {
  const at = place();
  let pid: number;
  {
    await using stowage = await open(at);
    pid = await runForGood(stowage.client(), 'c');
    expect(await isAlive(pid)).toBe(true);
  }
  expect(await isAlive(pid)).toBe(false);
  expect(await processesOf(at.root)).toEqual([]);
  await using again = await open(at);
  const { services } = again.client();
  expect((await Array.fromAsync(services.containers.list())).map(({ id }) => id)).toEqual(['c']);
  expect(await Array.fromAsync(services.tasks.list())).toEqual([]);
}, 60_000);

test('containers that are kept are found by the next engine, and once none is left nothing is', async () => {
  const at = place();
  let pid: number;
  {
    await using stowage = await open(at, { keepContainers: true });
    pid = await runForGood(stowage.client(), 'kept');
  }
  expect(await isAlive(pid)).toBe(true);
  {
    await using again = await open(at, { keepContainers: true });
    const task = await again.client().task('kept');
    const exit = task.wait();
    await task.kill('SIGKILL');
    expect(await exit).toMatchObject({ exitStatus: 137 });
    await task.delete();
  }
  expect(await processesOf(at.root)).toEqual([]);
}, 60_000);

test('plugins may be left out, and what needs them is told', async () => {
  await using stowage = await open(place(), { disabled: ['io.containerd.differ.v1.walking'] });
  const { services } = stowage.client();
  await expect(
    services.differ.apply({ mediaType: 'x', digest: `sha256:${'0'.repeat(64)}`, size: 1n } as never, []),
  ).rejects.toMatchObject({
    kind: 'unimplemented',
  });
}, 60_000);
