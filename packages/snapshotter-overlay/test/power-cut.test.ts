import { closeSync, openSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { shutdownFilesystem } from '@stowage/linux';
import { OverlaySnapshotter } from '@stowage/snapshotter-overlay';
import { loopDisk } from '@stowage/testing/loop-disk';

function cutPower(path: string): void {
  const fd = openSync(path, 'r');
  shutdownFilesystem(fd, 'nologflush');
  closeSync(fd);
}

// Without syncfs before the record, all of these files would be there and be empty.
test.each(['ext4', 'xfs'] as const)(
  'committed files survive a power cut right after the commit (%s)',
  async (kind) => {
    await using disk = await loopDisk(kind);
    const root = join(disk.path, 'root');
    {
      await using s = await OverlaySnapshotter.open(root, { skipProbe: true });
      const [mount] = await s.prepare('k', '');
      for (let i = 0; i < 200; i++) await writeFile(join(mount?.source ?? '', `${i}`), `content ${i}`);
      await s.commit('base', 'k');
      await s.prepare('active', 'base');
      cutPower(disk.path);
    }
    await disk.remount();
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
  },
);
