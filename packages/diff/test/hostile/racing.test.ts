import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { Fault } from '@stowage/core';
import { dir, type Entry, file, link, symlink, tar } from '../tar-writer.ts';
import { Workspace } from '../workspace.ts';
import { baseTree } from './base.ts';
import { Outside } from './outside.ts';
import { startSwapper } from './swapper.ts';

jest.setTimeout(300_000);

const SWAPS = 10_000;

let at: Workspace;
let outside: Outside;
beforeAll(async () => {
  at = await Workspace.open();
  outside = await Outside.make(at.root);
});
afterAll(async () => at[Symbol.asyncDispose]());

/** Each thing that would reach the canary, if the directory that it is done in were a link to it at that moment. */
const reaching = (i: number): Entry[] => [
  { ...dir('etc', 0o777), uid: 1000, mtime: i },
  { ...file('etc/passwd', 'pwned', 0o666), uid: 1000 },
  file(`etc/deep/${i % 7}`, 'x'),
  file('etc/deep/.wh.file'),
  file('etc/.wh..wh..opq'),
  link('etc/passwd', 'a'),
  { ...dir('x/etc', 0o777), pax: { 'SCHILY.xattr.user.x': '1' } },
  symlink('etc', 'b'),
  file('b/new', 'x'),
  file('.wh.etc'),
];

test.each(['directory', 'overlay'])(
  `${SWAPS} swaps of directories for links in a snapshot, and moves out of it, gain nothing (%s)`,
  async (kind) => {
    const base = await at.bind(`base-${kind}`);
    await at.apply(base.mounts, tar(...baseTree(outside.canary)));
    const upper = await at.directory(`overlay-${kind}`);
    const options = [`workdir=${await at.directory(`base-work-${kind}`)}`, `upperdir=${upper}`];
    const overlay = { type: 'overlay', source: 'overlay', options: [...options, `lowerdir=${base.path}`] };
    const [tree, mounts] = kind === 'directory' ? [base.path, base.mounts] : [upper, [overlay]];
    const aside = join(at.root, `swap-${kind}`);
    await mkdir(aside);
    await using swapper = await startSwapper(tree, aside, outside.canary);
    const archive = tar(...Array.from({ length: 150 }, (_, i) => reaching(i)).flat());
    let unpacks = 0;
    const failures = new Set<string>();
    for (; swapper.swaps < SWAPS; unpacks++) {
      await at.apply(mounts, archive).catch((e: unknown) => failures.add(Fault.is(e) ? e.kind : String(e)));
      expect(await outside.touched()).toBeUndefined();
    }
    console.log(`${kind}: ${swapper.swaps} swaps, ${unpacks} unpacks, failures: ${[...failures].join(', ')}`);
    expect(unpacks).toBeGreaterThan(5);
    expect(await outside.hostTouched()).toBeUndefined();
  },
);
