import { compare } from '../compare.ts';
import type { Row } from '../figures.ts';
import { openHouse } from '../house.ts';
import type { ImagesOptions } from '../images.ts';
import { changeSnapshot } from './changed-snapshot.ts';

const FILES = 20_000;

/** A layer made of a snapshot that changed much. */
export async function diff({ dir, rounds }: ImagesOptions): Promise<Row[]> {
  await using house = await openHouse(dir);
  const { peers } = house;
  for (const peer of peers) await changeSnapshot(peer, dir, 'changed', FILES);
  return await compare({
    what: `ctr snapshots diff, ${FILES} new files`,
    peers,
    rounds,
    aim: 0.8,
    cpu: true,
    work: (peer) => peer.ctr('snapshots', 'diff', 'changed'),
  });
}
