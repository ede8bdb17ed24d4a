import { join } from 'node:path';
import { startRegistry } from '@stowage/testing';
import { compare } from '../compare.ts';
import type { Row } from '../figures.ts';
import { openHouse } from '../house.ts';
import type { ImagesOptions } from '../images.ts';
import { largeArchive, load } from './large-archive.ts';

/** A large image to a registry on this machine, each time to a repository that has none of it. */
export async function push({ dir, rounds, size }: ImagesOptions): Promise<Row[]> {
  await using house = await openHouse(dir);
  await using registry = await startRegistry(join(dir, 'registry'));
  const [first] = house.peers;
  const archive = await largeArchive(first, dir, size);
  for (const peer of house.peers) await load(peer, archive);
  return await compare({
    what: `push, ${archive.megabytes} MB`,
    peers: house.peers,
    rounds,
    cpu: true,
    work: (peer, round) => {
      const to = `${registry.host}/${peer.name}-${round + 1}:1`;
      return peer.ctr('images', 'push', '--plain-http', to, archive.name);
    },
  });
}
