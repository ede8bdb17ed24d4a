import { join } from 'node:path';
import { must, startRegistry } from '@stowage/testing';
import { compare } from '../compare.ts';
import type { Row } from '../figures.ts';
import { openHouse } from '../house.ts';
import type { ImagesOptions } from '../images.ts';
import { pushLargeImage } from './large-image.ts';

/** A large image, out of a registry on this machine, to snapshots. */
export async function pull({ dir, rounds }: ImagesOptions): Promise<Row[]> {
  await using house = await openHouse(dir);
  await using registry = await startRegistry(join(dir, 'registry'));
  const image = await pushLargeImage(join(dir, 'large'), registry.host, { files: 20_000, megabytes: 600 });
  return await compare({
    what: `pull + unpack, ${image.megabytes} MB, ${image.files} files`,
    peers: house.peers,
    rounds,
    aim: 0.6,
    cpu: true,
    work: (peer) => peer.ctr('images', 'pull', '--plain-http', image.name),
    after: async (peer) => {
      await peer.ctr('images', 'rm', '--sync', image.name);
      await must('sync', []);
    },
  });
}
