import { PassThrough } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { withArgs, withMemory } from '@stowage/oci-spec';
import { until } from '@stowage/testing';
import type { Rng } from '../rng.ts';
import { addProcess, wholeLife } from '../tasks/life.ts';
import { runtimeMissing } from '../tasks/missing.ts';
import { gone, isThere } from '../tasks/processes.ts';
import { LIFE } from '../tasks/runc-script.ts';
import { Servant } from '../tasks/servant.ts';
import { Yard } from '../tasks/yard.ts';
import type { Nemesis } from './nemesis.ts';

const TOLD_MS = 2000;
const KILLED = 137;
const MEMORY_BYTES = 32 * 1024 ** 2;

const DEATHS = { init, oom, supervisor, 'supervisor and init': both, runc } as const;
const NAMES = Object.keys(DEATHS) as Array<keyof typeof DEATHS>;

/**
 * SIGKILL of a container's init, of the supervisor, of both, of a runc at work; and the kernel's own, for memory. The exit
 * must be told in time with status 137, a container whose supervisor died must go on, and nothing may stay.
 */
export const death: Nemesis = {
  name: 'death',
  rounds: { short: 6, ci: 30, long: 200 },
  missing: runtimeMissing,
  async play(stage) {
    await using yard = await Yard.open(await stage.place());
    for (let round = 0; stage.more(); round++) {
      const name = NAMES[round % NAMES.length] ?? 'init';
      await stage.round(yard, async () => {
        yard.count(name);
        await DEATHS[name](yard, `c${yard.next()}`, stage.rng);
        await yard.clear();
      });
    }
    await wholeLife(yard, 'last');
  },
};

async function init(yard: Yard, id: string): Promise<void> {
  await using servant = await Servant.run(yard, id);
  const killedMs = performance.now();
  process.kill(servant.pid, 'SIGKILL');
  await toldKilled(yard, id, killedMs);
  await remove(yard, servant);
}

/** Its memory is far more than the limit, and all of it is written to. */
async function oom(yard: Yard, id: string): Promise<void> {
  const script = 'read -r go; exec dd if=/dev/zero of=/dev/null bs=128M count=1';
  const container = await yard.container(id, withArgs('/bin/sh', '-c', script), withMemory(MEMORY_BYTES));
  const stdin = new PassThrough();
  const task = await container.createTask({ io: { stdin } });
  const pid = await task.start();
  yard.did(3);
  stdin.write('go\n');
  await gone(pid);
  const killedMs = performance.now();
  await toldKilled(yard, id, killedMs);
  const toldMs = await whenTold(yard, 'the OOM kill', () => yard.told.ooms.get(id));
  yard.mustTake('oomToldMs', `the OOM kill of ${id} told`, toldMs - killedMs, TOLD_MS);
  await task.delete();
  await container.delete();
  yard.did(2);
}

/** The container goes on, and whoever comes next takes it over. */
async function supervisor(yard: Yard, id: string, rng: Rng): Promise<void> {
  await using servant = await Servant.run(yard, id);
  await killSupervisor(yard);
  if (rng.chance(0.5)) await servant.say('without-supervisor');
  await addProcess(yard, id).catch(async () => {
    // A call that is under way as the supervisor dies, or before there is another one, fails.
    await yard.supervisor();
    await addProcess(yard, id);
  });
  await servant.say('again');
  if (!(await isThere(servant.pid))) yard.report('lost', `container ${id} ended with its supervisor`);
  const killedMs = performance.now();
  process.kill(servant.pid, 'SIGKILL');
  await toldKilled(yard, id, killedMs);
  await remove(yard, servant);
}

/** Nobody is there to see how the container ends. */
async function both(yard: Yard, id: string, rng: Rng): Promise<void> {
  await using servant = await Servant.run(yard, id);
  const killedMs = performance.now();
  await killSupervisor(yard);
  await sleep(rng.int(0, 50));
  process.kill(servant.pid, 'SIGKILL');
  await toldKilled(yard, id, killedMs);
  await remove(yard, servant);
}

/** The call may fail, or what it did may hold; the container can be removed, and there can be another of its name. */
async function runc(yard: Yard, id: string, rng: Rng): Promise<void> {
  const verb = rng.pick(LIFE) ?? 'create';
  await yard.runc.order(verb, id, `die ${rng.int(0, 60) / 1000}`);
  await yard.attempt(() => wholeLife(yard, id));
  yard.count(`runc ${verb}`);
  await yard.clear();
  await wholeLife(yard, id);
}

async function killSupervisor(yard: Yard): Promise<void> {
  const pid = await yard.supervisor();
  process.kill(pid, 'SIGKILL');
  await gone(pid);
}

async function toldKilled(yard: Yard, id: string, sinceMs: number): Promise<void> {
  const { atMs = Infinity, status = -1 } =
    (await whenTold(yard, `the exit of ${id}`, () => yard.told.exits.get(id))) ?? {};
  yard.mustTake('exitToldMs', `the exit of ${id} told`, atMs - sinceMs, TOLD_MS);
  if (status !== KILLED) yard.report('lie', `the exit of ${id} is told as ${status}, must be ${KILLED}`);
  const exit = await yard.client.services.tasks.wait({ containerId: id });
  if (exit.exitStatus !== KILLED)
    yard.report('lie', `${id} exited with ${exit.exitStatus}, must be ${KILLED}`);
}

async function whenTold<T>(yard: Yard, what: string, look: () => T | undefined): Promise<T> {
  try {
    let found: T | undefined;
    await until(what, () => {
      found = look();
      return found !== undefined;
    });
    return found as T;
  } catch (e) {
    yard.report('lost', `no event tells ${what}`);
    throw e;
  }
}

async function remove(yard: Yard, servant: Servant): Promise<void> {
  await yard.client.services.tasks.delete(servant.id);
  await servant.container.delete();
  yard.did(2);
}
