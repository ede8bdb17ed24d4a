import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { Fault } from '@stowage/core';
import type { TaskService } from '@stowage/runtime';
import { bundleWith } from './fixtures/bundle.ts';
import { DaemonProcess } from './fixtures/daemon-process.ts';
import { census, eventually, Workbench } from './fixtures/workbench.ts';

const ROUNDS = 20;
const BUILDS = ['one', 'two', 'three'];
const PATIENCE_MS = 30_000;
const TEST_MS = 400_000;
const EXIT = 7;

let bundle: string;
let bench: Workbench;
let daemon: DaemonProcess;
beforeAll(async () => {
  bundle = await bundleWith('daemon-main');
});
afterAll(async () => {
  await rm(bundle, { recursive: true });
});
beforeEach(async () => {
  bench = await Workbench.open();
  await bench.runtime[Symbol.asyncDispose]();
});
afterEach(async () => {
  await daemon.kill();
  await bench[Symbol.asyncDispose]();
});

/** The same numbers for the same seed. */
function dice(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

/** Tries again for as long as the supervisor is being replaced. */
async function surely<T>(call: (tasks: TaskService) => Promise<T>): Promise<T> {
  for (const giveUp = Date.now() + PATIENCE_MS; ; await delay(50)) {
    try {
      return await call(daemon.tasks);
    } catch (e) {
      if (!Fault.is(e, 'unavailable') || Date.now() > giveUp) throw e;
    }
  }
}

/** @returns the exit status. */
async function remove(id: string): Promise<number> {
  await surely((tasks) => tasks.kill({ id, signal: 9 })).catch((e: unknown) => {
    if (!Fault.is(e, 'not_found')) throw e;
  });
  const { exitStatus } = await surely((tasks) => tasks.wait({ id }));
  await surely((tasks) => tasks.delete({ id })).catch((e: unknown) => {
    // It was deleted, and the answer was lost.
    if (!Fault.is(e, 'not_found')) throw e;
  });
  return exitStatus;
}

const pids = async () => [...(await bench.supervisors()).values()].map(({ info }) => info.pid);
const tasksOnDisk = () => readdir(join(bench.state, 'tasks', bench.namespace)).catch((): string[] => []);

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (e) {
    if ((e as NodeJS.ErrnoException).code !== 'ESRCH') throw e;
  }
}

/** In order, what was told of a container, each once: a daemon that is killed may have told what it had not said so. */
function firstTold(told: string, id: string): string[] {
  const lines = told.split('\n').filter((line) => line.startsWith(`${id} `));
  return [...new Set(lines.map((line) => line.slice(id.length + 1)))];
}

test(
  `${ROUNDS} upgrades with kills at any time: containers go on, are told of in order, and nothing is left`,
  async () => {
    const seed = Date.now() % 1_000_000;
    console.info(`seed ${seed}`);
    const roll = dice(seed);
    const running: string[] = [];
    const made: string[] = [];
    daemon = await DaemonProcess.start(bench, bundle, 'zero');
    for (let round = 0; round < ROUNDS; round++) {
      const [keep, short] = [`keep-${round}`, `short-${round}`];
      for (const [id, args] of [
        [keep, ['sleep', '1000']],
        [short, ['sh', '-c', `sleep 0.${roll(9)}; exit ${EXIT}`]],
      ] as const) {
        const request = await bench.container(id, args);
        await surely((tasks) => tasks.create(request)).catch((e: unknown) => {
          // It was made, and the answer was lost.
          if (!Fault.is(e, 'already_exists')) throw e;
        });
        await surely((tasks) => tasks.start({ id })).catch((e: unknown) => {
          if (!Fault.is(e, 'failed_precondition')) throw e;
        });
        running.push(id);
        made.push(id);
      }
      // Something is under way when the killing starts.
      const cut = await bench.container(`cut-${round}`, ['sleep', '1000']);
      const cutting = daemon.tasks.create(cut).catch(() => {});
      await delay(roll(150));
      const what = roll(4);
      const victims = await pids();
      if (what === 1 || what === 3) kill(victims[roll(victims.length)] ?? 0);
      if (what === 2) for (const pid of victims) kill(pid);
      if (what !== 1) await daemon.kill();
      await cutting;
      if (what !== 1) daemon = await DaemonProcess.start(bench, bundle, BUILDS[round % BUILDS.length] ?? '');
      if (roll(2) === 0) {
        const [id = ''] = running.splice(roll(running.length), 1);
        // Unknown where it ended, and was reaped, while nobody had it.
        expect([137, 255, ...(id.startsWith('short') ? [EXIT] : [])]).toContain(await remove(id));
      }
      for (const id of running.filter((one) => one.startsWith('keep'))) {
        expect(await surely((tasks) => tasks.state({ id }))).toMatchObject({ id, status: 'running' });
      }
    }
    await daemon.kill();
    daemon = await DaemonProcess.start(bench, bundle, 'last');
    for (const id of await tasksOnDisk()) {
      if (!running.includes(id)) expect(id).toMatch(/^cut-/);
      await remove(id);
    }
    await eventually(async () => {
      const left = await readdir(join(bench.state, 'supervisor'));
      return left.every((name) => name === 'last');
    }, PATIENCE_MS);
    expect(await census(bench)).toMatchObject({
      mounts: 0,
      cgroups: [],
      children: [],
      tasks: [],
      containers: [],
    });
    const told = await readFile(join(bench.directory, 'told'), 'utf8');
    for (const id of made)
      expect([id, ...firstTold(told, id)]).toEqual([id, 'create', 'start', 'exit', 'delete']);
    expect(await processesOf(bench.state)).toHaveLength((await pids()).length);
  },
  TEST_MS,
);

async function processesOf(state: string): Promise<string[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const titles = await Promise.all(
    pids.map((pid) => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')),
  );
  return titles.filter((title) => title.startsWith(`stowage-supervisor ${state}`));
}
