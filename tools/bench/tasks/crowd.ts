import { inFlight } from '@stowage/testing';
import { compare } from '../compare.ts';
import type { Row } from '../figures.ts';
import { endContainer, openHouse, startContainer } from '../house.ts';
import type { TasksOptions } from '../tasks.ts';

const CONTAINERS = 100;
const CLIENTS = 8;

/** Many containers started by several clients at a time. */
export async function crowd({ dir, rounds }: TasksOptions): Promise<Row[]> {
  await using house = await openHouse(dir, CLIENTS);
  const rows = await compare({
    what: `start of ${CONTAINERS} containers by ${CLIENTS} clients`,
    peers: house.peers,
    rounds,
    aim: 1,
    cpu: true,
    work: (peer, round) =>
      inFlight(CONTAINERS, CLIENTS, async (n, lane) => {
        await startContainer(house.client(peer, lane), `crowd-${round + 1}-${n}`, '/bin/sleep', '600');
      }),
    after: (peer, round) =>
      inFlight(CONTAINERS, CLIENTS, (n, lane) =>
        endContainer(house.client(peer, lane), `crowd-${round + 1}-${n}`),
      ),
  });
  return rows;
}
