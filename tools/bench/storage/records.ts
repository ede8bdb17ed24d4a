import { mkdir } from 'node:fs/promises';
import { create, toBinary } from '@bufbuild/protobuf';
import { Containers } from '@stowage/api/containers/v1';
import { Content, InfoRequestSchema } from '@stowage/api/content/v1';
import { Images } from '@stowage/api/images/v1';
import { inFlight } from '@stowage/testing';
import { compare } from '../compare.ts';
import type { Row } from '../figures.ts';
import type { LoadClient } from '../load-client.ts';
import { type Peer, startBoth } from '../peers.ts';
import type { StorageOptions } from '../storage.ts';
import { connectTo, digestOfBlob, putBlob, putContainer, putImage } from './fill.ts';

const CALLS = 10_000;
const IMAGES = 10_000;
const CONTAINERS = 1000;
const CLIENTS = 8;

/** Many small questions over one connection. */
export async function info({ dir, rounds }: StorageOptions): Promise<Row[]> {
  await mkdir(dir, { recursive: true });
  await using both = await startBoth(dir);
  const clients = await connectAll(both.peers, 1);
  const digest = digestOfBlob(1);
  for (const peer of both.peers) {
    await putImage(clients.of(peer), 'image-of-the-blob', digest);
    await putBlob(clients.of(peer), 1);
  }
  const request = toBinary(InfoRequestSchema, create(InfoRequestSchema, { digest }));
  const rows: Row[] = [];
  for (const width of [1, CLIENTS]) {
    const each = async (peer: Peer) => {
      const client = clients.of(peer);
      await inFlight(CALLS, width, () => client.callBytes(Content.method.info, request));
    };
    const what = `${CALLS} Content.Info, ${width === 1 ? 'one at a time' : `${width} at a time`}`;
    rows.push(...(await compare({ what, peers: both.peers, rounds, aim: 1, cpu: true, work: each })));
  }
  clients.close();
  return rows;
}

/** All images in one message. */
export async function list({ dir, rounds }: StorageOptions): Promise<Row[]> {
  await mkdir(dir, { recursive: true });
  await using both = await startBoth(dir);
  const clients = await connectAll(both.peers, 1);
  for (const peer of both.peers) {
    const client = clients.of(peer);
    const name = (n: number) => `registry.example/of/some/length/image-${n}:1`;
    await inFlight(IMAGES, 16, (n) => putImage(client, name(n), digestOfBlob(n)));
  }
  const { peers } = both;
  const rows = await compare({
    what: `Images.List, ${IMAGES} images`,
    peers,
    rounds,
    aim: 1,
    cpu: true,
    work: (peer) => clients.of(peer).callBytes(Images.method.list, new Uint8Array()),
  });
  rows.push(
    ...(await compare({
      what: `ctr images ls -q, ${IMAGES} images`,
      peers,
      rounds,
      aim: 1,
      work: (peer) => peer.ctr('--namespace', 'bench', 'images', 'ls', '-q'),
    })),
  );
  clients.close();
  return rows;
}

/** Records made and deleted, by clients with a connection each. */
export async function containers({ dir, rounds }: StorageOptions): Promise<Row[]> {
  await mkdir(dir, { recursive: true });
  await using both = await startBoth(dir);
  const clients = await connectAll(both.peers, CLIENTS);
  const what = `${CONTAINERS} Containers.Create and Delete, ${CLIENTS} clients`;
  const rows = await compare({
    what,
    peers: both.peers,
    rounds,
    aim: 1,
    cpu: true,
    async work(peer, round) {
      await inFlight(CONTAINERS, CLIENTS, async (n, lane) => {
        const [client, id] = [clients.of(peer, lane), `container-${round + 1}-${n}`];
        await putContainer(client, id);
        await client.call(Containers.method.delete, { id });
      });
    },
  });
  clients.close();
  return rows;
}

/** Connections to both daemons, so many to each. */
async function connectAll(peers: readonly Peer[], each: number) {
  const clients = new Map<Peer, LoadClient[]>();
  for (const peer of peers)
    clients.set(peer, await Promise.all(Array.from({ length: each }, () => connectTo(peer))));
  return {
    of(peer: Peer, at = 0): LoadClient {
      const client = clients.get(peer)?.[at];
      if (client === undefined) throw new Error(`no connection ${at} to ${peer.name}`);
      return client;
    },
    close() {
      for (const client of [...clients.values()].flat()) client[Symbol.dispose]();
    },
  };
}
