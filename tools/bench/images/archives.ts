import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { must } from '@stowage/testing';
import { compare } from '../compare.ts';
import type { Row } from '../figures.ts';
import { openHouse } from '../house.ts';
import type { ImagesOptions } from '../images.ts';
import { largeArchive, load } from './large-archive.ts';

/** A large image out of a file and into one. */
export async function archives({ dir, rounds, size }: ImagesOptions): Promise<Row[]> {
  await using house = await openHouse(dir);
  const { peers } = house;
  const archive = await largeArchive(peers[0], dir, size);
  const remove = async (peer: (typeof peers)[number]) => {
    await peer.ctr('images', 'rm', '--sync', archive.name);
    await must('sync', []);
  };
  const imported = await compare({
    what: `import, ${archive.megabytes} MB`,
    peers,
    rounds,
    cpu: true,
    work: (peer) => load(peer, archive),
    after: remove,
  });
  for (const peer of peers) await load(peer, archive);
  const file = join(dir, 'exported.tar');
  const exported = await compare({
    what: `export, ${archive.megabytes} MB`,
    peers,
    rounds,
    cpu: true,
    work: (peer) => peer.ctr('images', 'export', file, archive.name),
    after: () => rm(file),
  });
  return [...imported, ...exported];
}
