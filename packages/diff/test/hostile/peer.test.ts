import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, jest, test } from '@jest/globals';
import { type Entry, tar } from '../tar-writer.ts';
import { Workspace } from '../workspace.ts';
import { hostileCases } from './cases/index.ts';
import { Peer } from './containerd.ts';
import { Outside } from './outside.ts';
import { differenceOf, treeOf } from './tree.ts';

jest.setTimeout(300_000);

/** The cases of which containerd 1.6 makes something else, and why that is so. */
const OTHERWISE: Readonly<Record<string, readonly string[]>> = {
  'it skips entries that would make the root a link or a file; we refuse them': [
    ...['SymlinkParentDirectory', 'SymlinkEmptyFilename', 'name-dot-symlink', 'name-dot-slash-symlink'],
    ...[
      'name-slash-hardlink',
      'name-dot-file',
      'name-empty-file',
      'name-empty-hardlink',
      'name-dot-hardlink',
    ],
    ...['name-dot-slash-hardlink', 'name-dot-fifo', 'name-dot-device', 'name-slash-file', 'long-name-root'],
  ],
  'it cuts ids and device numbers to the bits that fit; we refuse those that do not': [
    ...['uid-negative', 'uid-too-large', 'uid-overflows-to-root', 'negative-uid', 'negative-gid'],
    ...['device-numbers-too-large', 'negative-devmajor'],
    ...[
      'out-of-range-mode',
      'out-of-range-uid',
      'out-of-range-gid',
      'out-of-range-devmajor',
      'out-of-range-devminor',
    ],
  ],
  'it takes a plus sign for part of a number': [
    ...['pax-size-type-confusion-3', 'pax-uid-type-confusion-3', 'pax-gid-type-confusion-3'],
  ],
  'it takes an archive for whole that ends behind an extended header': [
    ...['pax-nothing-follows', 'long-name-cut-off', 'long-name-and-nothing'],
  ],
  'it makes the directory of a name in a global header': ['pax-global-path'],
  'it refuses a number with something behind its end': ['junk-behind-the-end-of-numbers'],
  'it knows less of sparse files': [
    ...['sparse-overlapping', 'sparse-format-unknown', 'sparse-name-outside', 'sparse-old-gnu'],
  ],
  'it makes a device 0:0 where nothing reads it as a whiteout': [
    ...['whiteout-device', 'whiteout-device-through-link'],
  ],
  'it gives a file what the header of a hard link says': [
    ...['hardlink-changes-no-mode', 'hardlink-keeps-capability', 'hardlink-to-symlink-to-outside'],
  ],
  'it removes what it is about to link to': ['hardlink-to-itself'],
  'it sets times of directories where something else is by then': [
    ...['directory-times-behind-a-link-to-itself', 'directory-times-behind-a-link'],
    ...['symlink-after-directory', 'symlink-to-directory-after-directory'],
  ],
};

/** All in the long form, every fourth in the short one; but the deep ones, of which it makes the same in minutes. */
const chosenCases = hostileCases
  .filter(({ id }) => !id.startsWith('depth'))
  .filter((_, i) => process.env.STOWAGE_LONG === '1' || i % 4 === 0);

test('containerd makes the same of every case, but of those listed', async () => {
  await using at = await Workspace.open();
  const outside = await Outside.make(at.root);
  await using peer = await Peer.start(join(at.root, 'containerd'));
  const aim = (text: string) => text.replace('CANARY', outside.canary);
  const aimed = (layer: readonly (Entry | Uint8Array)[]) =>
    layer.map((e) => {
      if (e instanceof Uint8Array) return e;
      return { ...e, name: aim(e.name), ...(e.linkname !== undefined && { linkname: aim(e.linkname) }) };
    });
  const listed = new Set(Object.values(OTHERWISE).flat());
  expect([...listed].filter((id) => !hostileCases.some((c) => c.id === id))).toEqual([]);
  const found: string[] = [];
  let same = 0;
  for (const { id, base, layer, cutAt } of chosenCases) {
    const bytes = tar(...aimed(layer)).subarray(0, cutAt);
    const [native, theirs] = [await at.bind('native'), await at.bind('peer')];
    for (const { mounts } of base === undefined ? [] : [native, theirs]) {
      await at.apply(mounts, tar(...aimed(base ?? [])));
    }
    const ours = await at.apply(native.mounts, bytes).then(
      () => undefined,
      (e: unknown) => String(e),
    );
    const refusal = await peer.apply(theirs.mounts, bytes);
    expect([id, await outside.touched()]).toEqual([id, undefined]);
    const differences =
      ours === undefined && refusal === undefined
        ? differenceOf(treeOf(native.path), treeOf(theirs.path), ['ours', 'containerd'])
        : (ours === undefined) === (refusal === undefined)
          ? []
          : [`ours: ${ours}; containerd: ${refusal}`];
    if (differences.length === 0) same++;
    else if (!listed.has(id)) found.push(`${id}: ${differences.join('; ')}`);
    for (const { path } of [native, theirs]) await rm(path, { recursive: true });
  }
  expect(found).toEqual([]);
  console.log(`of ${chosenCases.length}, ${same} the same`);
});
