import { mkdir, rename, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { fingerprint, makeCanary } from '../canary.ts';
import { dir, file, tar } from '../tar-writer.ts';
import { Workspace } from '../workspace.ts';

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
