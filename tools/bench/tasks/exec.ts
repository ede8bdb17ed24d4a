import type { Client } from '@stowage/client';
import { defaultSpec } from '@stowage/oci-spec';
import { compare } from '../compare.ts';
import type { Row } from '../figures.ts';
import { endContainer, openHouse, startContainer } from '../house.ts';
import type { TasksOptions } from '../tasks.ts';

const EXECS = 20;
const ID = 'busy';

/** A process added to a container that runs: exec, start, wait and delete, one after another. */
export async function exec({ dir, rounds }: TasksOptions): Promise<Row[]> {
  await using house = await openHouse(dir);
  const { peers } = house;
  for (const peer of peers) await startContainer(house.client(peer), ID, '/bin/sleep', '6000');
  const rows = await compare({
    what: `${EXECS} execs of true, one at a time`,
    peers,
    rounds,
    aim: 0.5,
    cpu: true,
    work: async (peer, round) => {
      for (let n = 0; n < EXECS; n++) await execTrue(house.client(peer), `exec-${round + 1}-${n}`);
    },
  });
  for (const peer of peers) await endContainer(house.client(peer), ID);
  return rows;
}

async function execTrue(client: Client, execId: string): Promise<void> {
  const task = await client.task(ID);
  const { process } = defaultSpec({ namespace: 'default', id: ID });
  if (process === undefined) throw new Error('the default spec has no process');
  const added = await task.exec({ execId, process: { ...process, args: ['/bin/true'] } });
  const exit = added.wait();
  await added.start();
  const { exitStatus } = await exit;
  if (exitStatus !== 0) throw new Error(`${execId} ended with ${exitStatus}`);
  await added.delete();
}
