import { Tasks } from '@stowage/api/tasks/v1';
import { median, pssOf, type Row } from '../figures.ts';
import { endContainer, openHouse, startContainer } from '../house.ts';
import { LoadClient } from '../load-client.ts';
import type { Peer } from '../peers.ts';
import type { TasksOptions } from '../tasks.ts';

const WAITS = 10_000;
const CONNECTIONS = 10;
const ID = 'awaited';
const SETTLE_MS = 3000;

/** Memory that calls hold which wait for the exit of a container. All of them must be answered in the end. */
export async function waits({ dir, rounds }: TasksOptions): Promise<Row[]> {
  const held: Record<Peer['name'], number[]> = { stowage: [], containerd: [] };
  await using house = await openHouse(dir);
  for (let round = 0; round < rounds; round++) {
    for (const peer of house.peers) {
      await startContainer(house.client(peer), ID, '/bin/sleep', '6000');
      using clients = new DisposableStack();
      const lanes: LoadClient[] = [];
      for (let i = 0; i < CONNECTIONS; i++)
        lanes.push(
          clients.use(await LoadClient.connect(peer.address, { 'containerd-namespace': 'default' })),
        );
      const before = await settledMemory(peer);
      const answers = Array.from({ length: WAITS }, (_, i) =>
        lanes[i % CONNECTIONS]?.call(Tasks.method.wait, { containerId: ID }),
      );
      held[peer.name].push((await settledMemory(peer)) - before);
      await endContainer(house.client(peer), ID);
      await Promise.all(answers);
    }
  }
  const { stowage, containerd } = held;
  const what = `memory of ${WAITS} calls of Wait, held open (PSS, helpers included)`;
  return [{ what, unit: 'MiB', stowage: median(stowage), containerd: median(containerd), aim: 1 }];
}

async function settledMemory(peer: Peer): Promise<number> {
  await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
  return pssOf([...peer.pids(), ...(await peer.helpers())]);
}
