import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { must, run, until } from '@stowage/testing';
import { Filler } from '../ground/filler.ts';
import { patience } from '../patience.ts';
import type { Rng } from '../rng.ts';
import { Cgroup, cgroupsMissing } from '../tasks/cgroup.ts';
import { wholeLife } from '../tasks/life.ts';
import { runtimeMissing } from '../tasks/missing.ts';
import { gone } from '../tasks/processes.ts';
import { Servant } from '../tasks/servant.ts';
import { Yard } from '../tasks/yard.ts';
import type { Nemesis } from './nemesis.ts';

const MIB = 1024 ** 2;
const STATE_BYTES = 32 * MIB;
const MEMORY_BYTES = 192 * MIB;
const RELIEVED_MS = 1000;
/** How long it is given to work again at all. */
const RECOVERED_MS = 20_000;
const ABREAST = 6;
/** A call that can't be answered is given up. */
const CALL_MS = 5000;

type Who = 'daemon' | 'supervisor';

/** What there is too little of. Taken away while disposed of. */
type Shortage = (yard: Yard, rng: Rng) => Promise<AsyncDisposable>;

const SHORTAGES: ReadonlyArray<readonly [name: string, Shortage]> = [
  ['descriptors of the daemon', descriptors('daemon')],
  ['descriptors of the supervisor', descriptors('supervisor')],
  ['processes of the daemon', processes('daemon')],
  ['processes of the supervisor', processes('supervisor')],
  ['memory of both', memory],
  ['state directory', (yard) => Filler.bytes(yard.daemon.state)],
];

/**
 * There is too little of something while containers are run. What can't be done fails, nobody ends for it, containers
 * that run go on and their exits are told. When there is enough again all works at once, and nothing half done is left.
 */
export const exhaustion: Nemesis = {
  name: 'exhaustion',
  rounds: { short: 6, ci: 18, long: 60 },
  missing: async () => (await runtimeMissing()) ?? (await cgroupsMissing()),
  async play(stage) {
    const place = await stage.place();
    await using _state = await tmpfs(join(place.dir, 'state'));
    await using yard = await Yard.open(place);
    for (let round = 0; stage.more(); round++) {
      const [name, shortage] = SHORTAGES[round % SHORTAGES.length] ?? SHORTAGES[0] ?? [];
      if (name === undefined || shortage === undefined) return;
      await stage.round(yard, async () => {
        yard.count(name);
        await runShort(yard, name, () => shortage(yard, stage.rng));
      });
    }
  },
};

async function runShort(yard: Yard, name: string, begin: () => Promise<AsyncDisposable>): Promise<void> {
  const there = { daemon: yard.daemon.pid, supervisor: await yard.supervisor() };
  await using witness = await Servant.run(yard, `witness-${yard.next()}`);
  await using ending = await Servant.run(yard, `ending-${yard.next()}`);
  {
    await using _shortage = await begin();
    const ids = Array.from({ length: ABREAST }, () => `c${yard.next()}`);
    const lives = ids.map((id) => yard.attempt(() => wholeLifeInTime(yard, id)));
    await sleep(100);
    ending.exit(44);
    await gone(ending.pid);
    yard.count('lived in need', (await Promise.all(lives)).filter(Boolean).length);
  }
  const relievedMs = performance.now();
  await worksAgain(yard, name, relievedMs);
  const now = { daemon: yard.daemon.pid, supervisor: await yard.supervisor() };
  for (const who of ['daemon', 'supervisor'] as const)
    if (now[who] !== there[who]) yard.report('dead', `${name}: the ${who} ended`);
  await witness.say('still-here');
  const { exitStatus } = await yard.client.services.tasks.wait({ containerId: ending.id });
  if (exitStatus !== 44) yard.report('lie', `${name}: ${ending.id} exited with ${exitStatus}, must be 44`);
  await yard.clear();
}

/** One that can't be answered would wait for as long as there is too little. */
async function wholeLifeInTime(yard: Yard, id: string): Promise<void> {
  const life = wholeLife(yard, id);
  life.catch(() => undefined);
  const late = new AbortController();
  const patient = sleep(CALL_MS, undefined, { signal: late.signal }).catch(() => undefined);
  try {
    await Promise.race([
      life,
      patient.then(() => Promise.reject(new Error(`waited ${CALL_MS} ms for: ${id}`))),
    ]);
  } finally {
    late.abort();
  }
}

/** When the first life began that came to a good end, after there was enough again. */
async function worksAgain(yard: Yard, name: string, relievedMs: number): Promise<void> {
  for (;;) {
    const began = performance.now();
    if (await yard.attempt(() => wholeLife(yard, `after-${yard.next()}`))) {
      yard.mustTake('worksAgainMs', `${name}: works again`, began - relievedMs, RELIEVED_MS);
      return;
    }
    if (performance.now() - relievedMs > patience(RECOVERED_MS))
      throw new Error(`${name}: it does not work again`);
    await sleep(20);
  }
}

async function pidOf(yard: Yard, who: Who): Promise<number> {
  return who === 'daemon' ? yard.daemon.pid : yard.supervisor();
}

/** A few more than it has, at times fewer. */
function descriptors(who: Who): Shortage {
  return async (yard, rng) => {
    const pid = await pidOf(yard, who);
    const before = (
      await must('prlimit', ['--pid', String(pid), '--nofile', '--raw', '--noheadings', '--output', 'SOFT'])
    ).trim();
    const set = (soft: string) => must('prlimit', ['--pid', String(pid), `--nofile=${soft}:`]);
    await set(String(rng.pick([64, 128])));
    return { [Symbol.asyncDispose]: async () => void (await set(before)) };
  };
}

/** Not one more thread or process than there is, or a few. */
function processes(who: Who): Shortage {
  return async (yard, rng) => {
    const pid = await pidOf(yard, who);
    const group = await Cgroup.make('pids', `${yard.namespace}-pids`, {});
    await group.add(pid);
    const threads = (await readdir(`/proc/${pid}/task`)).length;
    await group.set('pids.max', threads + rng.int(0, 8));
    return group;
  };
}

/** What they take from now on; they may give back what they cache. */
async function memory(yard: Yard): Promise<AsyncDisposable> {
  const group = await Cgroup.make('memory', `${yard.namespace}-memory`, {
    'memory.limit_in_bytes': MEMORY_BYTES,
  });
  for (const who of ['daemon', 'supervisor'] as const) await group.add(await pidOf(yard, who));
  return group;
}

async function tmpfs(path: string): Promise<AsyncDisposable> {
  await mkdir(path);
  await must('mount', ['-t', 'tmpfs', '-o', `size=${STATE_BYTES},mode=711`, 'stowage-faults', path]);
  // Whoever ends last may still be ending.
  const unmounted = async () => (await run('umount', [path])).code === 0;
  return { [Symbol.asyncDispose]: () => until(`${path} to be unmounted`, unmounted) };
}
