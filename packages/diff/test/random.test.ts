import { readdir } from 'node:fs/promises';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Fault } from '@stowage/core';
import { fingerprint, makeCanary } from './canary.ts';
import { type Entry, tar } from './tar-writer.ts';
import { Workspace } from './workspace.ts';

const ARCHIVES = 200;
const SEED = Number(process.env.STOWAGE_SEED ?? 20_260_101);

/** mulberry32: small, and the same everywhere. */
function random(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % below;
  };
}

let at: Workspace;
let canary: string;
beforeAll(async () => {
  at = await Workspace.open();
  canary = await at.directory('outside');
  await makeCanary(canary);
});
afterAll(async () => at[Symbol.asyncDispose]());

function archiveOf(pick: (below: number) => number): Buffer {
  const one = <T>(values: readonly T[]): T => values[pick(values.length)] as T;
  const part = () =>
    one([
      'a',
      'b',
      'c',
      'etc',
      '..',
      '.',
      '',
      '.wh.a',
      '.wh.b',
      '.wh..wh..opq',
      'n'.repeat(255),
      '\xff',
      canary,
    ]);
  const path = () => one(['', '/', './', '../', '//']) + Array.from({ length: 1 + pick(4) }, part).join('/');
  const kinds = ['0', '0', '5', '5', '2', '2', '1', '1', '3', '4', '6', '7', '\0'];
  const entries = Array.from({ length: 3 + pick(10) }, (): Entry => {
    const type = one(kinds);
    const pax = pick(4) === 0 ? { pax: { path: path(), linkpath: path(), 'SCHILY.xattr.user.x': '1' } } : {};
    return {
      type,
      name: path().slice(0, 100),
      linkname: path().slice(0, 100),
      mode: pick(0o10000),
      uid: pick(70_000),
      body: '027'.includes(type) ? 'x'.repeat(pick(2000)) : '',
      dev: [pick(3), pick(9)],
      ...pax,
    };
  });
  const archive = tar(...entries);
  // Some are damaged as well: a byte anywhere, or an end.
  if (pick(5) === 0) archive[pick(archive.length)] = pick(256);
  return pick(10) === 0 ? archive.subarray(0, pick(archive.length)) : archive;
}

test(`${ARCHIVES} random archives unpack or are refused, and touch nothing outside (seed ${SEED})`, async () => {
  const before = await fingerprint(canary);
  const outcomes = { unpacked: 0, refused: 0 };
  const lower = await at.bind();
  await at.apply(lower.mounts, tar({ name: 'a', type: '2', linkname: canary }, { name: 'etc/b', body: 'x' }));
  for (let i = 0; i < ARCHIVES; i++) {
    const archive = archiveOf(random(SEED + i));
    const { mounts } = i % 2 === 0 ? await at.bind() : await at.overlay(lower.path);
    try {
      await at.apply(mounts, archive);
      outcomes.unpacked++;
    } catch (e) {
      if (!Fault.is(e, 'invalid_argument')) throw new Error(`seed ${SEED + i}`, { cause: e });
      outcomes.refused++;
    }
    if (i % 20 === 19) expect([i, await fingerprint(canary)]).toEqual([i, before]);
  }
  expect(
    (await readdir(at.root)).filter(
      (name) => /^(n+|\xff|[abc]|etc|\.)/.test(name) && !name.startsWith('bind'),
    ),
  ).toEqual([]);
  expect(outcomes.unpacked).toBeGreaterThan(ARCHIVES / 10);
  expect(outcomes.refused).toBeGreaterThan(ARCHIVES / 10);
});
