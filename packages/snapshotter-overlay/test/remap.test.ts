import { chown, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { Mounter } from '@stowage/linux/mounter';
import { OverlaySnapshotter } from '@stowage/snapshotter-overlay';

let dir: string;
let mounter: Mounter;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'overlay-remap-'));
  mounter = new Mounter();
});
afterEach(async () => {
  await mounter[Symbol.asyncDispose]();
  await rm(dir, { recursive: true, force: true });
});

const UIDS = 'containerd.io/snapshot/uidmapping';
const GIDS = 'containerd.io/snapshot/gidmapping';
const labels = { [UIDS]: '0:100000:65536', [GIDS]: '0:200000:65536' };
const map = ['uidmap=0:100000:65536', 'gidmap=0:200000:65536'];
const owner = async (path: string) => {
  const { uid, gid } = await stat(path);
  return [uid, gid];
};

async function layered(s: OverlaySnapshotter): Promise<void> {
  for (const [name, parent, uid] of [
    ['one', '', 0],
    ['two', 'one', 33],
  ] as const) {
    await mounter.withMount(await s.prepare(`k ${name}`, parent), async (at) => {
      await writeFile(join(at, name), name);
      await chown(join(at, name), uid, uid);
    });
    await s.commit(name, `k ${name}`);
  }
}

test('a container in a user namespace sees its image as its own, and what it writes is its own', async () => {
  await using s = await OverlaySnapshotter.open(join(dir, 'root'));
  expect(s.capabilities).toContain('remap-ids');
  await layered(s);
  const mounts = await s.prepare('run', 'two', { labels });
  expect(mounts[0]?.options.slice(0, 2)).toEqual(map);
  expect(await s.mounts('run')).toEqual(mounts);
  const upper = join(dir, 'root/snapshots/3/fs');
  expect(await owner(upper)).toEqual([100_000, 200_000]);
  await mounter.withMount(mounts, async (at) => {
    expect(await owner(at)).toEqual([100_000, 200_000]);
    expect(await owner(join(at, 'one'))).toEqual([100_000, 200_000]);
    expect(await owner(join(at, 'two'))).toEqual([100_033, 200_033]);
    await writeFile(join(at, 'two'), 'changed');
  });
  expect(await owner(join(upper, 'two'))).toEqual([100_033, 200_033]);
  // The image is as it was, for all others.
  await mounter.withMount(await s.view('plain', 'two'), async (at) => {
    expect(await owner(join(at, 'two'))).toEqual([33, 33]);
    expect(await readFile(join(at, 'two'), 'utf8')).toBe('two');
  });
  await mounter.withMount(await s.view('mapped', 'two', { labels }), async (at) => {
    expect(await owner(join(at, 'two'))).toEqual([100_033, 200_033]);
  });
});

test('alone, a snapshot is bound with the map, and holds ids as layers do', async () => {
  await using s = await OverlaySnapshotter.open(join(dir, 'root'));
  const [mount] = await s.prepare('run', '', { labels });
  expect(mount?.options).toEqual([...map, 'rw', 'rbind']);
  await mounter.withMount([mount as never], async (at) => {
    expect(await owner(at)).toEqual([100_000, 200_000]);
    await chown(at, 100_007, 200_008);
  });
  expect(await owner(join(dir, 'root/snapshots/1/fs'))).toEqual([7, 8]);
});

test.each([
  ['one of both', { [UIDS]: '0:1:1' }, GIDS],
  ['no map', { [UIDS]: 'x', [GIDS]: '0:1:1' }, 'id map "x"'],
  ['no root', { [UIDS]: '1:1:1', [GIDS]: '0:1:1' }, UIDS],
])('labels that say %s are refused, and nothing is made', async (_, wrong, mentions) => {
  await using s = await OverlaySnapshotter.open(join(dir, 'root'));
  await expect(s.prepare('run', '', { labels: wrong })).rejects.toMatchObject({
    kind: 'invalid_argument',
    message: expect.stringContaining(mentions),
  });
  await expect(s.stat('run')).rejects.toMatchObject({ kind: 'not_found' });
});

test('where ids cannot be mapped, the labels are refused instead of ignored', async () => {
  await using s = await OverlaySnapshotter.open(join(dir, 'root'), { skipProbe: true, slowChown: true });
  expect([...s.capabilities]).toEqual(['rebase']);
  await expect(s.prepare('run', '', { labels })).rejects.toMatchObject({ kind: 'unimplemented' });
});
