import { join } from 'node:path';
import { connect } from '@stowage/client';
import { must, startRegistry, startRegistryFront } from '@stowage/testing';
import { compare } from '../compare.ts';
import { median, type Row } from '../figures.ts';
import { openHouse } from '../house.ts';
import type { ImagesOptions } from '../images.ts';
import type { Peer } from '../peers.ts';
import { pushLargeImage } from './large-image.ts';

const CLIENTS = 10;

const BY: ReadonlyArray<readonly [string, (peer: Peer, name: string) => Promise<unknown>]> = [
  ['ctr', (peer, name) => peer.ctr('content', 'fetch', '--plain-http', name)],
  [
    'clients of Stowage',
    async (peer, name) => {
      await using client = connect(peer.address, { namespace: 'default' });
      return await client.pull(name);
    },
  ],
];

/** Ten clients that pull one image at the same time, without unpacking it: how long, and what the registry gave. */
export async function tenClients({ dir, rounds, size }: ImagesOptions): Promise<Row[]> {
  await using house = await openHouse(dir);
  await using registry = await startRegistry(join(dir, 'registry'));
  await using front = await startRegistryFront(registry.host, Number.POSITIVE_INFINITY);
  const pushed = await pushLargeImage(join(dir, 'large'), registry.host, size);
  const name = pushed.name.replace(registry.host, front.host);
  const rows: Row[] = [];
  for (const [by, pull] of BY) {
    const served = { stowage: [] as number[], containerd: [] as number[] };
    const what = `pull by ten ${by}, ${pushed.megabytes} MB`;
    const timed = await compare({
      what,
      peers: house.peers,
      rounds,
      cpu: true,
      work: async (peer, round) => {
        const before = front.sentBytes();
        await Promise.all(Array.from({ length: CLIENTS }, () => pull(peer, name)));
        if (round >= 0) served[peer.name].push((front.sentBytes() - before) / 1e6);
      },
      after: async (peer) => {
        await peer.ctr('images', 'rm', '--sync', name);
        await must('sync', []);
      },
    });
    const [stowage, containerd] = [median(served.stowage), median(served.containerd)];
    rows.push(...timed, { what: '    served by the registry', unit: 'MB', stowage, containerd });
  }
  return rows;
}
