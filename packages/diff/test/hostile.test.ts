import { lstat, mkdir, readdir, readFile, readlink, rename, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { fingerprint, makeCanary } from './canary.ts';
import { type After, type HostileCase, hostileCases } from './hostile-cases.ts';
import { dir, type Entry, file, tar } from './tar-writer.ts';
import { Workspace } from './workspace.ts';

let at: Workspace;
let canary: string;
let before: string;
beforeAll(async () => {
  at = await Workspace.open();
  canary = await at.directory('outside');
  await makeCanary(canary);
  before = await fingerprint(canary);
});
afterAll(async () => at[Symbol.asyncDispose]());

/** Puts the canary's real path where a case says CANARY. */
function aimed(layer: readonly (Entry | Uint8Array)[]): (Entry | Uint8Array)[] {
  const aim = (text: string) => text.replace('CANARY', canary);
  return layer.map((e) => {
    if (e instanceof Uint8Array) return e;
    const linkname = e.linkname === undefined ? {} : { linkname: aim(e.linkname) };
    return { ...e, name: aim(e.name), ...linkname };
  });
}

async function shown(path: string): Promise<string | null> {
  const stats = await lstat(path).catch(() => undefined);
  if (stats === undefined) return null;
  if (stats.isSymbolicLink()) return `-> ${await readlink(path)}`;
  if (stats.isDirectory()) return 'dir/';
  return stats.isFile() ? await readFile(path, 'utf8') : 'node';
}

async function check(root: string, after: After = {}): Promise<void> {
  for (const [name, expected] of Object.entries(after)) {
    expect([name, await shown(join(root, name))]).toEqual([
      name,
      expected?.replace('CANARY', canary) ?? null,
    ]);
  }
}

async function attempt({ layer, refused, after }: HostileCase, mounts: Parameters<Workspace['apply']>[0]) {
  const archive = tar(...aimed(layer));
  if (refused === undefined) {
    await at.apply(mounts, archive);
    await at.see(mounts, (root) => check(root, after));
  } else {
    const message = expect.stringMatching(refused);
    await expect(at.apply(mounts, archive)).rejects.toMatchObject({ kind: 'invalid_argument', message });
  }
  expect(await fingerprint(canary)).toBe(before);
  expect((await readdir(at.root)).filter((name) => /^(stowage|\.)/.test(name))).toEqual([]);
}

describe('nothing outside is touched', () => {
  test.each(hostileCases.map((c) => [c.id, c] as const))('%s, in a bind mount', async (_, c) => {
    const { mounts } = await at.bind();
    if (c.base !== undefined) await at.apply(mounts, tar(...aimed(c.base)));
    await attempt(c, mounts);
  });

  test.each(hostileCases.map((c) => [c.id, c] as const))('%s, in an overlay', async (_, c) => {
    const base = await at.bind();
    if (c.base !== undefined) await at.apply(base.mounts, tar(...aimed(c.base)));
    const lower = await fingerprint(base.path);
    const { mounts, upper } = await at.overlay(base.path);
    await attempt(c, mounts);
    expect(await fingerprint(base.path)).toBe(lower);
    expect((await readdir(upper)).filter((name) => name.startsWith('.stowage'))).toEqual([]);
  });
});

test('somebody who swaps directories for links meanwhile gains nothing', async () => {
  const { path, mounts } = await at.bind();
  await mkdir(join(path, 'etc'));
  await symlink(canary, join(path, 'link'));
  const archive = tar(
    ...Array.from({ length: 1500 }, (_, i) => (i % 3 === 0 ? dir('etc') : file(`etc/${i % 7}/${i}`, 'x'))),
    file('etc/.wh.passwd'),
    file('etc/.wh..wh..opq'),
  );
  let swaps = 0;
  let isDone = false;
  const swapping = (async () => {
    while (!isDone) {
      await rename(join(path, 'etc'), join(path, 'aside')).catch(() => {});
      await rename(join(path, 'link'), join(path, 'etc')).catch(() => {});
      await rename(join(path, 'etc'), join(path, 'link')).catch(() => {});
      await rename(join(path, 'aside'), join(path, 'etc')).catch(() => {});
      swaps++;
    }
  })();
  for (let i = 0; i < 8; i++) await at.apply(mounts, archive).catch(() => {});
  isDone = true;
  await swapping;
  expect(swaps).toBeGreaterThan(20);
  expect(await fingerprint(canary)).toBe(before);
});
