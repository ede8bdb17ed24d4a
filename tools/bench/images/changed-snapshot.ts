import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { must } from '@stowage/testing';
import type { Peer } from '../peers.ts';

/** Prepares a snapshot over the one image there is, and writes so many small files to it. */
export async function changeSnapshot(peer: Peer, dir: string, key: string, files: number): Promise<void> {
  const target = join(dir, `mnt-${peer.name}`);
  await mkdir(target, { recursive: true });
  const listed = await peer.ctr('snapshots', 'ls');
  const [parent = ''] = /^\S+(?=\s.*Committed)/m.exec(listed) ?? [];
  await peer.ctr('snapshots', 'prepare', key, parent);
  await must('sh', ['-c', await peer.ctr('snapshots', 'mounts', target, key)]);
  try {
    for (let i = 0; i < files; i++) {
      const folder = join(target, `d${i >> 7}`);
      if (i % 128 === 0) await mkdir(folder);
      await writeFile(join(folder, `${i}.txt`), `${i} `.repeat(200));
    }
  } finally {
    await must('umount', [target]);
  }
}
