import { compare } from '../compare.ts';
import type { Row } from '../figures.ts';
import { DEMO, openHouse } from '../house.ts';
import type { TasksOptions } from '../tasks.ts';

/** A container from nothing to nothing, as a person at a terminal has it. */
export async function run({ dir, rounds }: TasksOptions): Promise<Row[]> {
  await using house = await openHouse(dir);
  return await compare({
    what: 'ctr run --rm echo',
    peers: house.peers,
    rounds,
    aim: 0.5,
    cpu: true,
    work: (peer, round) => peer.ctr('run', '--rm', DEMO, `echo${round + 1}`, '/bin/echo', 'hello'),
  });
}
