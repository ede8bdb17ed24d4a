import { join } from 'node:path';
import { must, startRegistry } from '@stowage/testing';
import { compare } from '../compare.ts';
import type { Row } from '../figures.ts';
import { openHouse } from '../house.ts';
import type { ImagesOptions } from '../images.ts';
import { pushLargeImage } from './large-image.ts';

/** A large image, out of a registry on this machine, to snapshots. */
export function pull(options: ImagesOptions): Promise<Row[]> {
  return pulledBy('pull + unpack', ['images', 'pull'], 0.6, options);
}

/** The same, to the content store only. */
export function pullContent(options: ImagesOptions): Promise<Row[]> {
  return pulledBy('pull, no unpack', ['content', 'fetch'], undefined, options);
}

async function pulledBy(
  what: string,
  command: readonly string[],
  aim: number | undefined,
  { dir, rounds, size }: ImagesOptions,
): Promise<Row[]> {
  await using house = await openHouse(dir);
  await using registry = await startRegistry(join(dir, 'registry'));
  const image = await pushLargeImage(join(dir, 'large'), registry.host, size);
  return await compare({
    what: `${what}, ${image.megabytes} MB, ${image.files} files`,
    peers: house.peers,
    rounds,
    aim,
    cpu: true,
    work: (peer) => peer.ctr(...command, '--plain-http', image.name),
    after: async (peer) => {
      await peer.ctr('images', 'rm', '--sync', image.name);
      await must('sync', []);
    },
  });
}
