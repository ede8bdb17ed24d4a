import { renameSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { parentPort, workerData } from 'node:worker_threads';

const { tree, aside, canary, count } = workerData as {
  tree: string;
  aside: string;
  canary: string;
  count: Int32Array;
};
/** Names of the trees below, and of what random archives bring. */
const NAMES = ['a', 'b', 'c', 'd', 'etc', 'x', 'sub', 'f'];
const TARGETS = [canary, join(canary, 'etc'), '/', '..', '../outside', 'a'];

parentPort?.postMessage('started');
for (let turn = 0; Atomics.load(count, 1) === 0; turn++) {
  const name = NAMES[turn % NAMES.length] as string;
  const there = join(tree, name);
  const away = join(aside, 'away');
  const link = join(aside, 'link');
  attempt(() => symlinkSync(TARGETS[turn % TARGETS.length] as string, link));
  // The directory leaves the tree, a link takes its place, the directory comes back.
  attempt(() => renameSync(there, away));
  attempt(() => renameSync(link, there));
  attempt(() => renameSync(there, link));
  attempt(() => renameSync(away, there));
  // What could not come back, since something else had been made there, makes room.
  rmSync(away, { recursive: true, force: true });
  rmSync(link, { recursive: true, force: true });
  Atomics.add(count, 0, 1);
}

/** The other side works on the same names; whoever is late loses. */
function attempt(work: () => void): void {
  try {
    work();
  } catch (e) {
    if (!('code' in (e as object))) throw e;
  }
}
