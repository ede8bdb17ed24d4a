import { join } from 'node:path';
import { type Client, connect, type TaskHandle } from '@stowage/client';
import { withArgs } from '@stowage/oci-spec';
import { demoArchive } from '@stowage/testing';
import { type Peer, startBoth } from './peers.ts';

export const DEMO = 'bench.example/demo:1';

/** Both daemons with an image to run, and clients of them. */
export interface House extends AsyncDisposable {
  readonly peers: readonly [Peer, Peer];
  /** One of a peer's connections; there are as many as were asked for. */
  client(peer: Peer, lane?: number): Client;
}

export async function openHouse(dir: string, connections = 1): Promise<House> {
  await using stack = new AsyncDisposableStack();
  const { peers } = stack.use(await startBoth(dir));
  const archive = await demoArchive(join(dir, 'demo'), DEMO);
  const clients = new Map<Peer, Client[]>();
  for (const peer of peers) {
    await peer.ctr('images', 'import', archive);
    const lanes = Array.from({ length: connections }, () => connect(peer.address, { namespace: 'default' }));
    for (const client of lanes) stack.use(client);
    clients.set(peer, lanes);
  }
  const owned = stack.move();
  return {
    peers,
    client(peer, lane = 0) {
      const client = clients.get(peer)?.[lane];
      if (client === undefined) throw new Error(`no connection ${lane} to ${peer.name}`);
      return client;
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** Runs a command in a container of its own, with no streams, from its snapshot to the answer of its start. */
export async function startContainer(client: Client, id: string, ...args: string[]): Promise<TaskHandle> {
  const image = await client.image(DEMO);
  const container = await client.createContainer({ id, image, spec: [withArgs(...args)] });
  const task = await container.createTask();
  await task.start();
  return task;
}

/** Kills a container, and removes it with its snapshot. */
export async function endContainer(client: Client, id: string): Promise<void> {
  const task = await client.task(id);
  await task.end();
  const container = await client.container(id);
  await container.delete();
}
