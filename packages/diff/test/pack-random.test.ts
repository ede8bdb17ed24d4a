import { execFileSync } from 'node:child_process';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Mount } from '@stowage/core';
import { Packer } from '../src/packer.ts';
import { Changes, seeded } from './random-changes.ts';
import { portrait } from './tree.ts';
import { Workspace } from './workspace.ts';

const TREES = Number(process.env.STOWAGE_TREES ?? (process.env.STOWAGE_LONG === '1' ? 60 : 8));
const SEED = Number(process.env.STOWAGE_SEED ?? 20_260_202);
const CLOCK = 1_600_000_000_000_000_000n;

let at: Workspace;
let packer: Packer;
beforeAll(async () => {
  at = await Workspace.open();
  packer = await Packer.open({ directory: `${at.root}/pack` });
});
afterAll(async () => {
  await packer[Symbol.asyncDispose]();
  await at[Symbol.asyncDispose]();
}, 60_000);

const copy = (from: string, to: string) => execFileSync('cp', ['-a', '--', `${from}/.`, to]);

async function pack(left: readonly Mount[], right: readonly Mount[], comparesAll = false): Promise<Buffer> {
  let archive = Buffer.alloc(0);
  const { sizeBytes } = await packer.pack(
    left,
    right,
    async (bytes) => {
      archive = Buffer.concat(await Array.fromAsync(bytes));
    },
    { comparesAll },
  );
  expect(archive.length).toBe(Number(sizeBytes));
  return archive;
}

const view = (path: string): Mount[] => [{ type: 'bind', source: path, options: ['ro', 'rbind'] }];

test(`of two directories: applied to the first, the layer makes the second (seed ${SEED})`, async () => {
  for (let i = 0; i < TREES; i++) {
    const pick = seeded(SEED + i);
    const [before, after, made] = [await at.bind(), await at.bind(), await at.bind()];
    new Changes(before.path, pick, CLOCK).make(15 + pick(30));
    copy(before.path, after.path);
    copy(before.path, made.path);
    new Changes(after.path, pick, 2n * CLOCK).make(1 + pick(25));
    const archive = await pack(view(before.path), after.mounts);
    await at.apply(made.mounts, archive);
    expect([i, portrait(made.path)]).toEqual([i, portrait(after.path)]);
    // Another copy: other inodes, in another order.
    const again = await at.bind();
    copy(after.path, again.path);
    expect(archive.equals(await pack(view(before.path), again.mounts))).toBe(true);
    expect(await pack(view(before.path), view(before.path))).toHaveLength(1024);
  }
}, 300_000);

test(`of an overlay: what it noted and what a comparison finds are the same bytes (seed ${SEED})`, async () => {
  for (let i = 0; i < TREES; i++) {
    const pick = seeded(SEED + 1_000_000 + i);
    // Every other one keeps its notes where a container without privileges has them.
    const more = i % 2 === 0 ? [] : ['userxattr'];
    const overlay = async (...lowers: string[]) => {
      const { upper, mounts } = await at.overlay(...lowers);
      return { upper, mounts: mounts.map((mount) => ({ ...mount, options: [...mount.options, ...more] })) };
    };
    const bottom = await at.bind();
    new Changes(bottom.path, pick, CLOCK).make(15 + pick(30));
    const middle = await overlay(bottom.path);
    await at.see(middle.mounts, async (path) => new Changes(path, pick, 2n * CLOCK).make(pick(15)));
    const lowers = [middle.upper, bottom.path];
    const before: Mount[] = [
      { type: 'overlay', source: 'overlay', options: [`lowerdir=${lowers.join(':')}`, 'ro', ...more] },
    ];
    const after = await overlay(...lowers);
    await at.see(after.mounts, async (path) => new Changes(path, pick, 3n * CLOCK).make(1 + pick(25)));

    const noted = await pack(before, after.mounts);
    const compared = await pack(before, after.mounts, true);
    expect([i, noted.equals(compared)]).toEqual([i, true]);

    const made = await overlay(...lowers);
    await at.apply(made.mounts, noted);
    const expected = await at.see(after.mounts, async (path) => portrait(path));
    expect([i, await at.see(made.mounts, async (path) => portrait(path))]).toEqual([i, expected]);
  }
}, 300_000);
