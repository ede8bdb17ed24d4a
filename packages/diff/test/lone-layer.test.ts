import { lstatSync } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import type { Mount } from '@stowage/core';
import { getXattr } from '@stowage/linux';
import { type Pick, seeded } from './random-changes.ts';
import { dir, type Entry, file, link, symlink, tar } from './tar-writer.ts';
import { pathsIn, portrait } from './tree.ts';
import { Workspace } from './workspace.ts';

const ROUNDS = process.env.STOWAGE_LONG === '1' ? 150 : 60;
const SEED = Number(process.env.STOWAGE_SEED ?? 20_260_202);

/** How clients ask for a layer to be unpacked without those below (containerd core/unpack/unpacker.go). */
const alone = (upper: string): Mount[] => [
  { type: 'overlay', source: 'overlay', options: ['rw', `upperdir=${upper}`] },
];

/** Unpacks a layer alone, lays it over a base, and looks. */
async function laidOver(
  base: readonly Entry[],
  layer: readonly Entry[],
  look: (root: string, upper: string) => Promise<void>,
): Promise<{ needsBelow: boolean }> {
  await using at = await Workspace.open();
  const below = await at.bind();
  await at.apply(below.mounts, tar(...base));
  const upper = await at.directory('alone');
  const { needsBelow } = await at.apply(alone(upper), tar(...layer));
  const over = await at.overlay(upper, below.path);
  await at.see(over.mounts, (root) => look(root, upper));
  return { needsBelow };
}

const names = async (...parts: string[]) => (await readdir(join(...parts))).sort();

test('whiteouts and opaque directories stand in the layer as overlayfs has them', async () => {
  const base = [file('gone'), dir('d'), file('d/old'), dir('e'), file('e/old'), file('kept')];
  const layer = [
    file('.wh.gone'),
    dir('d'),
    file('d/.wh..wh..opq'),
    file('d/new'),
    dir('e'),
    file('e/.wh.old'),
  ];
  const { needsBelow } = await laidOver(base, layer, async (root, upper) => {
    expect(await names(root)).toEqual(['d', 'e', 'kept']);
    expect(await names(root, 'd')).toEqual(['new']);
    expect(await names(root, 'e')).toEqual([]);
    const gone = await stat(join(upper, 'gone'));
    expect([gone.isCharacterDevice(), gone.rdev]).toEqual([true, 0]);
    expect(getXattr(join(upper, 'd'), 'trusted.overlay.opaque').toString()).toBe('y');
  });
  expect(needsBelow).toBe(false);
});

test.each([
  ['removed before', [file('.wh.d'), dir('d'), file('d/new')]],
  ['removed after', [dir('d'), file('d/new'), file('.wh.d')]],
  ['gone through after its removal', [file('.wh.d'), file('d/new')]],
  ['a file before', [file('d'), dir('d'), file('d/new')]],
  ['emptied after a removal in it', [dir('d'), file('d/.wh.old'), file('d/.wh..wh..opq'), file('d/new')]],
])('nothing of below shows in a directory %s', async (_, layer) => {
  const base = [dir('d'), file('d/old'), dir('d/deep'), file('d/deep/old')];
  const { needsBelow } = await laidOver(base, layer, async (root, upper) => {
    expect(await names(root, 'd')).toEqual(['new']);
    // Where nothing is merged, listings would show a whiteout.
    expect(await names(upper, 'd')).toEqual(['new']);
  });
  expect(needsBelow).toBe(false);
});

test('a directory that the layer only goes through does not get the setgid of the one above', async () => {
  const layer = [
    file('d'),
    dir('d', 0o2755),
    file('d/through/new'),
    file('d/.wh.again'),
    file('d/again/new'),
  ];
  await laidOver([], layer, async (root) => {
    for (const [name, mode] of [
      ['d', 0o2755],
      ['d/through', 0o755],
      ['d/again', 0o755],
    ] as const)
      expect((await stat(join(root, name))).mode & 0o7777).toBe(mode);
  });
});

test('what only goes through directories of below says so', async () => {
  const base = [{ ...dir('home', 0o700), uid: 7 }, symlink('usr/bin', 'bin'), dir('usr'), dir('usr/bin')];
  const through: [Entry[], boolean][] = [
    [[file('home/x')], true],
    [[file('bin/x')], true],
    [[file('home/.wh.x')], true],
    [[file('x'), symlink('x', 'y'), link('x', 'z')], false],
    [[file('home/x'), dir('home', 0o700)], true],
    [[dir('home'), file('home/.wh..wh..opq'), file('home/sub/x')], false],
    [[dir('home'), file('home/sub/x'), file('home/.wh..wh..opq')], true],
    [[dir('new'), symlink('new', 'alias'), file('alias/x')], false],
  ];
  for (const [layer, expected] of through) {
    const { needsBelow } = await laidOver(base, layer, async () => {});
    expect([layer.map(({ name }) => name), needsBelow]).toEqual([layer.map(({ name }) => name), expected]);
  }
});

test.each([
  ['links to a file of below', [link('old', 'new')], 'old'],
  ['links to what it removed', [file('.wh.old'), link('old', 'new')], 'old'],
  ['empties the whole tree', [file('.wh..wh..opq')], 'whole tree'],
])('a layer that %s is refused', async (_, layer, mentions) => {
  await using at = await Workspace.open();
  const upper = await at.directory('alone');
  await expect(at.apply(alone(upper), tar(...layer))).rejects.toMatchObject({
    kind: 'failed_precondition',
    message: expect.stringContaining(mentions),
  });
});

test('links in the layer lead to nowhere outside', async () => {
  await using at = await Workspace.open();
  const outside = await at.directory('outside');
  const upper = await at.directory('alone');
  await at.apply(
    alone(upper),
    tar(symlink(outside, 'out'), symlink('../../..', 'up'), file('out/x'), file('up/y')),
  );
  expect(await readdir(outside)).toEqual([]);
  expect(await names(upper)).toEqual(['out', 'up', 'y', outside.split('/')[1]].sort());
  const loop = tar(symlink('b', 'a'), symlink('a', 'b'), file('a/x'));
  await expect(at.apply(alone(await at.directory('loop')), loop)).rejects.toMatchObject({
    kind: 'invalid_argument',
  });
});

function archive(pick: Pick, below: readonly string[]): Entry[] {
  const one = <T>(values: readonly T[]): T => values[pick(values.length)] as T;
  const entries: Entry[] = [];
  // Mostly as tools make them: every directory on the way has its entry.
  const add = (entry: Entry) => {
    const parts = entry.name.split('/');
    if (pick(40) > 0)
      for (let n = 1; n < parts.length; n++)
        entries.push({ ...dir(parts.slice(0, n).join('/')), uid: pick(9) });
    entries.push(entry);
  };
  for (let i = 0; i < 8; i++) {
    const name = Array.from({ length: 1 + pick(3) }, () => one(['a', 'b', 'c'])).join('/');
    const kind = pick(below.length === 0 ? 6 : 9);
    if (kind < 2) add({ ...file(name, `${i}`), uid: pick(9) });
    else if (kind < 4) add({ ...dir(name), uid: pick(9) });
    else if (kind === 4) add(symlink(one(['a', '/b', '../c']), name));
    else if (kind === 5) entries.push(file(`f${i}`, `${i}`), link(`f${i}`, name));
    else {
      const target = one(below);
      const slash = target.lastIndexOf('/') + 1;
      add(
        file(kind === 8 ? `${target}/.wh..wh..opq` : `${target.slice(0, slash)}.wh.${target.slice(slash)}`),
      );
    }
  }
  return entries;
}

/** Directories that are only gone through are touched when they are. */
function seen(root: string): Record<string, string> {
  const lines = portrait(root);
  for (const [path, line] of Object.entries(lines))
    if (lstatSync(join(root, path)).isDirectory()) lines[path] = line.replace(/ \d+ /, ' - ');
  return lines;
}

test(`what a layer says it can do alone comes out as if made on those below (${ROUNDS} rounds, seed ${SEED})`, async () => {
  await using at = await Workspace.open();
  let compared = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const pick = seeded(SEED + round);
    const below = await at.bind();
    const made = await at.apply(below.mounts, tar(...archive(pick, []))).catch(() => undefined);
    if (made === undefined) continue;
    const paths = pathsIn(below.path);
    const layer = tar(...archive(pick, paths));
    const serial = await at.overlay(below.path);
    const upper = await at.directory(`alone${round}`);
    const onIt = await at.apply(serial.mounts, layer).catch((e: unknown) => e as Error);
    const byItself = await at.apply(alone(upper), layer).catch((e: unknown) => e as Error);
    if (onIt instanceof Error || byItself instanceof Error || byItself.needsBelow) continue;
    const over = await at.overlay(upper, below.path);
    const expected = await at.see(serial.mounts, async (root) => seen(root));
    const found = await at.see(over.mounts, async (root) => seen(root));
    expect([round, found]).toEqual([round, expected]);
    expect(byItself.digest).toBe(onIt.digest);
    compared++;
  }
  expect(compared).toBeGreaterThan(ROUNDS / 8);
}, 240_000);

test('a directory whose parent became a file later is no failure', async () => {
  await using at = await Workspace.open();
  const layer = tar(
    dir('d'),
    dir('d/e'),
    file('d', 'x'),
    file('.wh.absent'),
    dir('g'),
    file('g/.wh.x'),
    file('g', 'y'),
  );
  const upper = await at.directory('alone');
  const { path, mounts } = await at.bind();
  for (const [one, root] of [
    [mounts, path],
    [alone(upper), upper],
  ] as const) {
    await at.apply(one, layer);
    expect(await readFile(join(root, 'd'), 'utf8')).toBe('x');
  }
});

test('the layer is read as any other: digest, bytes, and what is wrong with it', async () => {
  await using at = await Workspace.open();
  const upper = await at.directory('alone');
  const bytes = tar(dir('d'), file('d/f', 'x'));
  const { digest, sizeBytes } = await at.apply(alone(upper), bytes, { syncFs: true });
  const { mounts } = await at.bind();
  expect(await at.apply(mounts, bytes)).toEqual({ digest, sizeBytes, needsBelow: false });
  expect(await readFile(join(upper, 'd/f'), 'utf8')).toBe('x');
  await expect(at.apply(alone(upper), bytes.subarray(0, 700))).rejects.toMatchObject({
    kind: 'invalid_argument',
  });
});
