import { join } from 'node:path';
import { median, type Row, timed } from './figures.ts';
import { type Peer, startPeer, startStowage } from './peers.ts';

const ROUNDS = 7;

/** A daemon on an empty directory, from nothing to its first answer. */
export async function start(dir: string): Promise<Row[]> {
  const figures: Record<Peer['name'], number[]> = { stowage: [], containerd: [] };
  for (let round = 0; round < ROUNDS; round++) {
    for (const begin of [startStowage, startPeer]) {
      await using stack = new AsyncDisposableStack();
      let name: Peer['name'] = 'stowage';
      const ms = await timed(async () => {
        const peer = stack.use(await begin(join(dir, `start-${round}`)));
        name = peer.name;
        await peer.ctr('version');
      });
      figures[name].push(ms);
    }
  }
  const { stowage, containerd } = figures;
  const what = 'daemon start to first answer';
  return [{ what, unit: 'ms', stowage: median(stowage), containerd: median(containerd) }];
}
