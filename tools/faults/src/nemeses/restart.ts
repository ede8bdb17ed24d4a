import { setTimeout as sleep } from 'node:timers/promises';
import { inFlight, until } from '@stowage/testing';
import { patience } from '../patience.ts';
import type { Rng } from '../rng.ts';
import { addProcess } from '../tasks/life.ts';
import { runtimeMissing } from '../tasks/missing.ts';
import { gone } from '../tasks/processes.ts';
import { Servant } from '../tasks/servant.ts';
import { Yard } from '../tasks/yard.ts';
import type { Nemesis } from './nemesis.ts';

const CONTAINERS = { short: 12, ci: 100, long: 100 };
const LISTED_MS = 5000;
const ABREAST = 8;
/** How far the time of an exit may be from when it was: it is that at which the supervisor was woken. */
const WOKEN_MS = 1000;

/** An end that a container was made to come to: how it must be told, and between which times. */
interface End {
  readonly servant: Servant;
  readonly status: number;
  readonly fromMs: number;
  toMs: number;
}

/**
 * The daemon ends, by SIGTERM and SIGKILL in turn, and is started again. Containers exit and are killed before, while it
 * is down and while it starts; the others go on. Nothing of that may be lost, or told otherwise than it was.
 */
export const restart: Nemesis = {
  name: 'restart',
  rounds: { short: 2, ci: 4, long: 40 },
  missing: runtimeMissing,
  async play(stage) {
    const { rng, form } = stage;
    await using yard = await Yard.open(await stage.place());
    const servants = new Map<string, Servant>();
    for (let round = 0; stage.more(); round++) {
      const isLast = stage.isLast();
      await stage.round(yard, async () => {
        await fill(yard, servants, CONTAINERS[form]);
        yard.count('containers', servants.size);
        const ends = await restartAmidEnds(yard, servants, rng, round % 2 === 0 ? 'SIGTERM' : 'SIGKILL');
        await mustBeTold(yard, ends);
        const over = new Set(ends.map(({ servant }) => servant));
        for (const servant of servants.values())
          if (
            !over.has(servant) &&
            rng.chance(0.2) &&
            (await goesOn(yard, servant, rng.chance(0.3))) === 'exited'
          )
            over.add(servant);
        await remove(yard, servants, isLast ? servants.values() : over);
      });
    }
    for (const servant of servants.values()) await servant[Symbol.asyncDispose]();
  },
};

async function fill(yard: Yard, servants: Map<string, Servant>, wanted: number): Promise<void> {
  const more = Array.from({ length: wanted - servants.size }, () => `c${yard.next()}`);
  await abreast(more, async (id) => {
    yard.live.add(id);
    servants.set(id, await Servant.run(yard, id));
    yard.did(3);
  });
}

async function restartAmidEnds(
  yard: Yard,
  servants: ReadonlyMap<string, Servant>,
  rng: Rng,
  signal: NodeJS.Signals,
): Promise<readonly End[]> {
  const ends: End[] = [];
  const running = new Set(servants.values());
  const bring = (share: number) => {
    for (const servant of [...running].filter(() => rng.chance(share))) {
      running.delete(servant);
      const fromMs = Date.now();
      const status = rng.chance(0.3) ? 137 : rng.int(0, 120);
      if (status === 137) process.kill(servant.pid, 'SIGKILL');
      else servant.exit(status);
      ends.push({ servant, status, fromMs, toMs: 0 });
    }
  };
  bring(0.1);
  await sleep(rng.int(0, 30));
  await yard.stop(signal);
  bring(0.25);
  const fresh = ends.slice();
  const ended = (some: readonly End[]) =>
    Promise.all(
      some.map(async (end) => {
        await gone(end.servant.pid);
        end.toMs = Date.now();
      }),
    );
  await ended(fresh);
  const starting = yard.start();
  await sleep(rng.int(0, 400));
  bring(0.1);
  const readyMs = await starting;
  await ended(ends.slice(fresh.length));
  await listed(yard, servants, ends, readyMs);
  return ends;
}

async function listed(
  yard: Yard,
  servants: ReadonlyMap<string, Servant>,
  ends: readonly End[],
  readyMs: number,
): Promise<void> {
  const stopped = new Map(ends.map(({ servant, status }) => [servant.id, status]));
  let wrong: string[] = [];
  await until(
    'all to be listed',
    async () => {
      const tasks = await Array.fromAsync(yard.client.services.tasks.list());
      const byId = new Map(tasks.map((task) => [task.containerId, task]));
      wrong = [...servants.values()].flatMap(({ id, pid }) => {
        const task = byId.get(id);
        const is = task && `${task.status} ${task.status === 'stopped' ? task.exitStatus : task.pid}`;
        const must = stopped.has(id) ? `stopped ${stopped.get(id)}` : `running ${pid}`;
        return is === must ? [] : [`${id} is listed as ${is}, must be ${must}`];
      });
      return wrong.length === 0;
    },
    30_000,
  ).catch(() => {
    for (const line of wrong) yard.report(line.includes('undefined') ? 'lost' : 'lie', line);
  });
  yard.mustTake('listedMs', 'all listed after ready', performance.now() - readyMs, LISTED_MS);
}

async function mustBeTold(yard: Yard, ends: readonly End[]): Promise<void> {
  const { tasks } = yard.client.services;
  for (const { servant, status, fromMs, toMs } of ends) {
    const signal = AbortSignal.timeout(10_000);
    const exit = await tasks.wait({ containerId: servant.id }, { signal }).catch(() => undefined);
    const atMs = exit?.exitedAt.getTime() ?? 0;
    if (exit === undefined) yard.report('lost', `the exit of ${servant.id}`);
    else if (exit.exitStatus !== status)
      yard.report('lie', `${servant.id} exited with ${exit.exitStatus}, must be ${status}`);
    else if (atMs < fromMs || atMs > toMs + patience(WOKEN_MS))
      yard.report('lie', `${servant.id} exited at ${atMs}, must be from ${fromMs} to ${toMs}`);
  }
  yard.count('exits', ends.length);
}

/** It answers, and takes another process; whoever waits for its exit is told of that. */
async function goesOn(yard: Yard, servant: Servant, toTheEnd: boolean): Promise<'goes on' | 'exited'> {
  const waited = yard.client.services.tasks.wait({ containerId: servant.id });
  waited.catch(() => undefined);
  await servant.say('hello');
  await addProcess(yard, servant.id);
  yard.count('survivors');
  if (!toTheEnd) return 'goes on';
  servant.exit(33);
  const { exitStatus } = await waited;
  if (exitStatus !== 33) yard.report('lie', `${servant.id} exited with ${exitStatus}, must be 33`);
  return 'exited';
}

async function remove(yard: Yard, servants: Map<string, Servant>, which: Iterable<Servant>): Promise<void> {
  await abreast([...which], async (servant) => {
    await (await yard.client.task(servant.id)).end();
    await (await yard.client.container(servant.id)).delete();
    await servant[Symbol.asyncDispose]();
    servants.delete(servant.id);
    yard.live.delete(servant.id);
    yard.did(3);
  });
}

/** Several at a time, as clients are. */
async function abreast<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const all = [...items];
  await inFlight(all.length, ABREAST, (n) => work(all[n] as T));
}
