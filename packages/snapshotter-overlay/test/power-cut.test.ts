import { execFile } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from '@jest/globals';
import { shutdownFilesystem } from '@stowage/linux';
import { OverlaySnapshotter } from '@stowage/snapshotter-overlay';

const run = promisify(execFile);

/** An ext4 of its own in a file, whose power can be cut. */
async function disk() {
  const dir = await mkdtemp(join(tmpdir(), 'overlay-power-'));
  const image = join(dir, 'image');
  const at = join(dir, 'disk');
  await mkdir(at);
  await writeFile(image, '');
  await truncate(image, 64 << 20);
  await run('mkfs.ext4', ['-q', '-F', image]);
  const mount = () => run('mount', ['-o', 'loop', image, at]);
  await mount();
  return {
    at,
    cut() {
      const fd = openSync(at, 'r');
      shutdownFilesystem(fd, 'nologflush');
      closeSync(fd);
    },
    async restore() {
      await run('umount', [at]);
      await mount();
    },
    async [Symbol.asyncDispose]() {
      await run('umount', [at]);
      await rm(dir, { recursive: true });
    },
  };
}

// Without syncfs before the record, all of these files would be there and be empty.
test('the files of a committed snapshot survive a power cut right after the commit', async () => {
  await using power = await disk();
  const root = join(power.at, 'root');
  {
    await using s = await OverlaySnapshotter.open(root, { skipProbe: true });
    const [mount] = await s.prepare('k', '');
    for (let i = 0; i < 200; i++) await writeFile(join(mount?.source ?? '', `${i}`), `content ${i}`);
    await s.commit('base', 'k');
    await s.prepare('active', 'base');
    power.cut();
  }
  await power.restore();
  const errors: object[] = [];
  const log = { debug() {}, info() {}, warn() {}, error: (fields: object) => void errors.push(fields) };
  await using s = await OverlaySnapshotter.open(root, { skipProbe: true, log });
  expect(errors).toEqual([]);
  const [mount] = await s.view('v', 'base');
  for (let i = 0; i < 200; i++) {
    expect(await readFile(join(mount?.source ?? '', `${i}`), 'utf8')).toBe(`content ${i}`);
  }
  expect(await s.mounts('active')).toHaveLength(1);
  await s.prepare('again', 'base');
});
