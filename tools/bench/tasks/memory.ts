import { inFlight } from '@stowage/testing';
import { pssOf, type Row, rssOf } from '../figures.ts';
import { endContainer, openHouse, startContainer } from '../house.ts';
import type { Peer } from '../peers.ts';
import type { TasksOptions } from '../tasks.ts';

const SETTLE_MS = 3000;
const FEW = 5;

/**
 * Memory of the daemon and its helpers, idle and for each container that runs, beyond the container's own processes. The
 * supervisor is one for all, so what each further container costs is told too.
 */
export async function memory({ dir, containers }: TasksOptions): Promise<Row[]> {
  await using house = await openHouse(dir);
  const resident: Partial<Record<Peer['name'], number>> = {};
  const idle: Partial<Record<Peer['name'], number>> = {};
  const each: Partial<Record<Peer['name'], number>> = {};
  const further: Partial<Record<Peer['name'], number>> = {};
  for (const peer of house.peers) {
    const client = house.client(peer);
    const all = async () => pssOf([...peer.pids(), ...(await peer.helpers())]);
    await settle();
    const before = await all();
    idle[peer.name] = before;
    resident[peer.name] = await rssOf(peer.pids());
    const start = (n: number) => startContainer(client, `idle-${n}`, '/bin/sleep', '600');
    for (let n = 0; n < FEW; n++) await start(n);
    await settle();
    const few = await all();
    for (let n = FEW; n < containers; n++) await start(n);
    await settle();
    const many = await all();
    each[peer.name] = (many - before) / containers;
    further[peer.name] = (many - few) / (containers - FEW);
    await inFlight(containers, 4, (n) => endContainer(client, `idle-${n}`));
  }
  const row = (what: string, from: Partial<Record<Peer['name'], number>>, atMost?: number): Row => {
    return { what, unit: 'MiB', stowage: from.stowage ?? 0, containerd: from.containerd ?? 0, atMost };
  };
  return [
    row('daemon resident, idle', resident),
    row('daemon and helpers, idle (PSS)', idle),
    row(`per running container, ${containers} of them (PSS, helpers included)`, each),
    row('    each further one', further, 1),
  ];
}

function settle(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
}
