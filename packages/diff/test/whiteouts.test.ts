import { lstat, readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { getXattr, listXattrs } from '@stowage/linux';
import { dir, type Entry, entry, file, link, symlink, tar } from './tar-writer.ts';
import { Workspace } from './workspace.ts';

/** Applies a layer over another one, once in the same directory and once as an overlay, and looks at both. */
async function both(
  base: Entry[],
  layer: Entry[],
  look: (root: string, kind: 'bind' | 'overlay') => Promise<void>,
): Promise<void> {
  await using at = await Workspace.open();
  const { path, mounts } = await at.bind();
  await at.apply(mounts, tar(...base));
  await at.apply(mounts, tar(...layer));
  await look(path, 'bind');

  const lower = await at.bind();
  await at.apply(lower.mounts, tar(...base));
  const over = await at.overlay(lower.path);
  await at.apply(over.mounts, tar(...layer), { syncFs: true });
  await at.see(over.mounts, (root) => look(root, 'overlay'));
}

const names = async (...parts: string[]) => (await readdir(join(...parts))).sort();

test.each([
  ['before', [file('.wh.a'), file('.wh.d'), file('a', 'new'), dir('d'), file('d/new', 'n')]],
  ['after', [file('a', 'new'), dir('d'), file('d/new', 'n'), file('.wh.a'), file('.wh.d')]],
])('a whiteout %s what the layer itself brings removes only what was below', async (_, layer) => {
  const base = [file('a', 'old'), dir('d'), file('d/old', 'o'), dir('d/deep'), file('d/deep/old')];
  await both(base, layer, async (root) => {
    expect(await names(root)).toEqual(['a', 'd']);
    expect(await readFile(join(root, 'a'), 'utf8')).toBe('new');
    expect(await names(root, 'd')).toEqual(['new']);
  });
});

test.each(['first', 'last'])(
  'an opaque directory has only the layer’s own, at any depth (marker %s)',
  async (when) => {
    const base = [
      dir('d'),
      file('d/old'),
      dir('d/sub'),
      file('d/sub/old'),
      dir('d/gone'),
      file('d/gone/x'),
      file('e'),
    ];
    const own = [file('d/sub/new'), file('d/new'), symlink('old', 'd/link')];
    const marker = file('d/.wh..wh..opq');
    await both(base, when === 'first' ? [marker, ...own] : [...own, marker], async (root) => {
      expect(await names(root, 'd')).toEqual(['link', 'new', 'sub']);
      expect(await names(root, 'd/sub')).toEqual(['new']);
      expect(await names(root)).toEqual(['d', 'e']);
    });
  },
);

test('whiteouts reach through links to the same directory under its other name', async () => {
  const base = [dir('real'), file('real/a'), file('real/b'), symlink('real', 'alias')];
  await both(base, [file('alias/new'), file('real/.wh..wh..opq'), file('alias/.wh.b')], async (root) => {
    expect(await names(root, 'real')).toEqual(['new']);
    expect((await lstat(join(root, 'alias'))).isSymbolicLink()).toBe(true);
  });
});

test('a whiteout of nothing is none, and makes the directory it is in', async () => {
  await both(
    [dir('d')],
    [file('d/.wh.absent'), file('e/f/.wh.absent'), file('g/.wh..wh..opq')],
    async (root) => {
      expect(await names(root)).toEqual(['d', 'e', 'g']);
      expect(await names(root, 'e/f')).toEqual([]);
    },
  );
});

test('a removed directory of a lower layer is one whiteout, and comes back empty and plain', async () => {
  await using at = await Workspace.open();
  const lower = await at.bind();
  const many = Array.from({ length: 300 }, (_, i) => file(`big/d${i % 20}/f${i}`, 'x'));
  const attributes = { pax: { 'SCHILY.xattr.user.old': '1' }, uid: 7 };
  await at.apply(
    lower.mounts,
    tar({ ...dir('big', 0o700), ...attributes }, ...many, dir('other'), file('other/x')),
  );
  const { upper, mounts } = await at.overlay(lower.path);
  await at.apply(
    mounts,
    tar(file('.wh.big'), file('.wh.other'), { ...dir('other', 0o711), mtime: 5 }, file('other/y')),
  );

  const whiteout = await stat(join(upper, 'big'));
  expect([whiteout.isCharacterDevice(), whiteout.rdev]).toEqual([true, 0]);
  expect(await names(upper)).toEqual(['big', 'other']);
  await at.see(mounts, async (root) => {
    expect(await names(root)).toEqual(['other']);
    expect(await names(root, 'other')).toEqual(['y']);
    const other = await stat(join(root, 'other'));
    expect([other.mode & 0o777, other.mtimeMs]).toEqual([0o711, 5000]);
  });

  const third = await at.overlay(upper, lower.path);
  await at.apply(third.mounts, tar(file('big/again', 'z')));
  await at.see(third.mounts, async (root) => {
    expect(await names(root, 'big')).toEqual(['again']);
    const big = await stat(join(root, 'big'));
    expect([big.uid, big.mode & 0o777]).toEqual([0, 0o755]);
    expect(listXattrs(join(root, 'big')).filter((name) => name.startsWith('user.'))).toEqual([]);
  });
});

test('directories the layer only passes through keep what the lower layer says of them', async () => {
  await using at = await Workspace.open();
  const lower = await at.bind();
  const attributes = { pax: { 'SCHILY.xattr.user.kept': 'yes' }, uid: 3, gid: 4, mode: 0o2750 };
  await at.apply(lower.mounts, tar({ ...dir('home'), ...attributes }, file('home/a'), symlink('home', 'h')));
  const { mounts } = await at.overlay(lower.path);
  await at.apply(mounts, tar(file('home/b'), file('h/c'), link('home/a', 'linked')));
  await at.see(mounts, async (root) => {
    const home = await stat(join(root, 'home'));
    expect([home.uid, home.gid, home.mode & 0o7777]).toEqual([3, 4, 0o2750]);
    expect(getXattr(join(root, 'home'), 'user.kept').toString()).toBe('yes');
    expect(await names(root, 'home')).toEqual(['a', 'b', 'c']);
    expect((await stat(join(root, 'linked'))).ino).toBe((await stat(join(root, 'home/a'))).ino);
  });
});

test('50,000 opaque markers on a directory of 5,000 files take linear time', async () => {
  await using at = await Workspace.open();
  const lower = await at.bind();
  const files = Array.from({ length: 5000 }, (_, i) => entry(file(`d/${i}`)));
  await at.apply(lower.mounts, tar(dir('d'), ...files));
  const { mounts } = await at.overlay(lower.path);
  const marker = entry(file('d/.wh..wh..opq'));
  const started = performance.now();
  await at.apply(mounts, tar(dir('d'), ...Array.from({ length: 50_000 }, () => marker)));
  expect(performance.now() - started).toBeLessThan(20_000);
  await at.see(mounts, async (root) => expect(await names(root, 'd')).toEqual([]));
});

test('an overlay that may not move directories is emptied file by file', async () => {
  await using at = await Workspace.open();
  const lower = await at.bind();
  await at.apply(lower.mounts, tar(dir('d'), dir('d/e'), file('d/e/f'), symlink('f', 'd/e/l')));
  const { mounts } = await at.overlay(lower.path);
  const fixed = mounts.map((m) => ({ ...m, options: [...m.options, 'redirect_dir=nofollow'] }));
  await at.apply(fixed, tar(file('.wh.d'), file('n')));
  await at.see(fixed, async (root) => expect(await names(root)).toEqual(['n']));
});
