// The oracle, held to finding what is wrong with daemons that were tampered with.

import { cp, glob, readFile, rename, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { unixTransport } from '@stowage/rpc/transport';
import { must, type TempDir, tempDir } from '@stowage/testing';
import { Arena } from '../src/arena.ts';
import { keyOf } from '../src/model/keys.ts';
import type { Kind, Of, Thing } from '../src/model/thing.ts';
import type { Rule } from '../src/oracle/violation.ts';
import { type Services, servicesOf } from '../src/services.ts';

let temp: TempDir;
let arena: Arena;

beforeEach(async () => {
  temp = await tempDir('mutants');
  arena = await Arena.open({ dir: temp.path, seed: 1 });
  await arena.start();
});

afterEach(async () => {
  await arena[Symbol.asyncDispose]();
  await temp[Symbol.asyncDispose]();
});

/** Has the clients work until there is something to tamper with. */
async function loadUntil<T>(find: () => T | undefined): Promise<T> {
  for (let tries = 0; tries < 20; tries++) {
    await arena.beginLoad();
    await sleep(200);
    await arena.endLoad();
    const found = find();
    if (found !== undefined) return found;
  }
  throw new Error('the load never made what the test needs');
}

function one<K extends Kind>(kind: K, fits: (thing: Of<K>) => boolean = () => true): Of<K> | undefined {
  for (const [, { thing }] of arena.world.entries())
    if (thing?.kind === kind && fits(thing as Of<K>)) return thing as Of<K>;
  return undefined;
}

async function rules(): Promise<Set<Rule>> {
  return new Set((await arena.check()).map(({ rule }) => rule));
}

async function behindItsBack<T>(
  thing: Thing & { namespace: string },
  work: (services: Services) => Promise<T>,
) {
  await using transport = unixTransport(arena.daemon.address);
  return await work(servicesOf(transport, { namespace: thing.namespace }));
}

const blobFile = (digest: string) =>
  join(arena.root, 'io.containerd.content.v1.content', 'blobs', digest.replace(':', '/'));

test('a daemon that nobody tampered with breaks no rule', async () => {
  await loadUntil(() => one('image'));
  await arena.kill();
  await arena.start();
  expect(await arena.check()).toEqual([]);
});

test('a root that is as it was earlier has lost something', async () => {
  await loadUntil(() => one('image'));
  await arena.daemon.stop();
  const copy = join(temp.path, 'copy');
  await cp(arena.root, copy, { recursive: true, preserveTimestamps: true });
  await arena.start();
  await loadUntil(() => one('container'));
  await arena.kill();
  await rename(arena.root, join(temp.path, 'newer'));
  await rename(copy, arena.root);
  await arena.start();
  expect(await rules()).toContain('lost');
});

test.each([
  ['gone', (file: string) => rm(file)],
  ['cut off', (file: string) => truncate(file, 1)],
  ['changed', flip],
] as const)('bytes of a blob are %s', async (_, tamper) => {
  const kept = ({ labels, sizeBytes }: Of<'blob'>) => 'containerd.io/gc.root' in labels && sizeBytes > 1;
  const { digest } = await loadUntil(() => one('blob', kept));
  await arena.kill();
  await tamper(blobFile(digest));
  await arena.start();
  expect(await rules()).toEqual(new Set(['torn']));
});

test('a file of a committed snapshot is empty', async () => {
  const whole = ({ state, seed, labels }: Of<'snapshot'>) =>
    state === 'committed' && seed !== undefined && 'containerd.io/gc.root' in labels;
  const { seed } = await loadUntil(() => one('snapshot', whole));
  await arena.kill();
  for await (const file of glob(join(arena.root, '*', 'snapshots', '*', 'fs', seed ?? '', '0')))
    await truncate(file, 0);
  await arena.start();
  expect(await rules()).toEqual(new Set(['torn']));
});

test('something is deleted that nobody asked to delete', async () => {
  const image = await loadUntil(() => one('image'));
  await behindItsBack(image, ({ images }) => images.delete(image.name));
  expect(await rules()).toContain('lost');
});

test('something is there again that was deleted', async () => {
  const lease = await loadUntil(() => one('lease'));
  const n = 1e6;
  arena.world.apply({
    ...{ t: 'begin', at: 0, n, client: 0, operation: 'lease.delete', maybe: [] },
    effects: [{ key: keyOf(lease), thing: null }],
  });
  arena.world.apply({ t: 'ack', n, at: 0 });
  expect(await rules()).toContain('returned');
});

test('something is there that nobody made', async () => {
  const lease = await loadUntil(() => one('lease'));
  await behindItsBack(lease, ({ leases }) => leases.create({ id: 'stranger' }));
  expect(await rules()).toEqual(new Set(['stranger']));
});

test('an operation happened by half', async () => {
  const { namespace } = await loadUntil(() => one('lease'));
  const made: Thing = { kind: 'lease', namespace, id: 'half', labels: {} };
  const other: Thing = { ...made, id: 'other-half' };
  arena.world.apply({
    ...{ t: 'begin', at: 0, n: 1e6, client: 0, operation: 'two', maybe: [] },
    effects: [made, other].map((thing) => ({ key: keyOf(thing), thing })),
  });
  await behindItsBack(made, ({ leases }) => leases.create({ id: 'half' }));
  expect(await rules()).toEqual(new Set(['half']));
});

test('something is still mounted', async () => {
  await loadUntil(() => one('blob'));
  const point = join(arena.root, 'io.containerd.content.v1.content');
  await must('mount', ['--bind', point, point]);
  try {
    expect(await rules()).toEqual(new Set(['leak']));
  } finally {
    await must('umount', [point]);
  }
});

async function flip(file: string): Promise<void> {
  const bytes = await readFile(file);
  bytes[0] = (bytes[0] ?? 0) ^ 1;
  await rm(file);
  await writeFile(file, bytes);
}
