import { setTimeout as sleep } from 'node:timers/promises';
import { errnoOf } from '@stowage/core';
import type { Rng } from '../rng.ts';
import { wholeLife } from '../tasks/life.ts';
import { runtimeMissing } from '../tasks/missing.ts';
import { listProcesses } from '../tasks/processes.ts';
import { Yard } from '../tasks/yard.ts';
import type { Nemesis } from './nemesis.ts';

const ABREAST = 3;
const VICTIMS = [
  { name: 'container', weight: 4, kill: killContainer },
  { name: 'runc', weight: 4, kill: killRunc },
  { name: 'supervisor', weight: 2, kill: killSupervisor },
  { name: 'daemon', weight: 1, kill: killDaemon },
  { name: 'nobody', weight: 1, kill: async () => true },
] as const;

/**
 * Containers are run, added to and removed, and at some moment of that one of those who do it is killed. What was asked
 * for may fail; after each round everything can be removed, works again, and nothing is left of it.
 */
export const churn: Nemesis = {
  name: 'churn',
  rounds: { short: 30, ci: 200, long: 1000 },
  missing: runtimeMissing,
  async play(stage) {
    const { rng } = stage;
    await using yard = await Yard.open(await stage.place());
    for (let round = 0; stage.more(); round++) {
      const isLast = stage.isLast();
      await stage.round(yard, async () => {
        const ids = Array.from({ length: rng.int(1, ABREAST) }, () => `c${yard.next()}`);
        const lives = Promise.all(ids.map((id) => yard.attempt(() => wholeLife(yard, id))));
        lives.catch(() => undefined);
        await sleep(rng.int(0, 250));
        const victim = rng.weighted(VICTIMS);
        if (victim !== undefined && (await victim.kill(yard, rng))) yard.count(victim.name);
        yard.count('lives', (await lives).filter(Boolean).length);
        await yard.clear();
        if (isLast || round % 10 === 9) await wholeLife(yard, `well-${round}`);
      });
    }
  },
};

async function killContainer(yard: Yard, rng: Rng): Promise<boolean> {
  const mark = `/${yard.namespace}/`;
  const victim = rng.pick((await listProcesses()).filter(({ cgroups }) => cgroups.includes(mark)));
  const id = victim?.cgroups.split(mark)[1]?.split(/[/\n]/)[0];
  if (id !== undefined) yard.struck.add(id);
  return kill(victim);
}

/** One at work is there for some tens of milliseconds. */
async function killRunc(yard: Yard, rng: Rng): Promise<boolean> {
  for (let tries = 0; tries < 50; tries++) {
    const all = await listProcesses();
    if (kill(rng.pick(all.filter(({ command }) => command.includes(` --root ${yard.daemon.state}/`)))))
      return true;
  }
  return false;
}

async function killSupervisor(yard: Yard): Promise<boolean> {
  process.kill(await yard.supervisor(), 'SIGKILL');
  return true;
}

async function killDaemon(yard: Yard, rng: Rng): Promise<boolean> {
  await yard.stop('SIGKILL');
  await sleep(rng.int(0, 100));
  await yard.start();
  return true;
}

/** Whether there was somebody to kill. */
function kill(victim: { readonly pid: number } | undefined): boolean {
  if (victim === undefined) return false;
  try {
    process.kill(victim.pid, 'SIGKILL');
    return true;
  } catch (e) {
    if (errnoOf(e) === 'ESRCH') return false;
    throw e;
  }
}
