import { setTimeout as sleep } from 'node:timers/promises';
import { Fault, reasonOf, unlessGone } from '@stowage/core';
import { processBytes, withArgs } from '@stowage/oci-spec';
import { unixTransport } from '@stowage/rpc/transport';
import type { Tasks } from '@stowage/tasks';
import { remoteTasks } from '@stowage/tasks/remote';
import { until } from '@stowage/testing';
import { patience } from '../patience.ts';
import type { Rng } from '../rng.ts';
import { runtimeMissing } from '../tasks/missing.ts';
import { isThere } from '../tasks/processes.ts';
import type { Order, Verb } from '../tasks/runc-script.ts';
import { Yard } from '../tasks/yard.ts';
import type { Nemesis } from './nemesis.ts';

const STEPS = ['create', 'start', 'exec', 'start exec'] as const;
type Step = (typeof STEPS)[number];

/** Which runc a step runs; adding an exec runs none. */
const VERB_OF: Readonly<Record<Step, Verb | undefined>> = {
  create: 'create',
  start: 'start',
  exec: undefined,
  'start exec': 'exec',
};

/** How a step comes to fail, with the longest that its caller waits. */
interface Failure {
  readonly name: string;
  order?(rng: Rng): Order;
  /** The caller gives up after at most this, by its deadline, or by closing its connection. */
  readonly gives?: 'deadline' | 'connection';
}

const FAILURES: readonly Failure[] = [
  { name: 'runc fails', order: () => 'fail' },
  { name: 'runc fails when it is done', order: () => 'fail-after' },
  { name: 'runc is killed', order: (rng) => `die ${rng.int(0, 50) / 1000}` },
  { name: 'deadline', gives: 'deadline' },
  { name: 'disconnect', gives: 'connection' },
  { name: 'slow runc, deadline', order: () => 'pause 0.2', gives: 'deadline' },
  { name: 'slow runc, disconnect', order: () => 'pause 0.2', gives: 'connection' },
  { name: 'runc lingers, deadline', order: () => 'linger 0.2', gives: 'deadline' },
];
interface Trial {
  readonly step: Step;
  readonly failure: Failure;
}
const TRIALS: readonly Trial[] = STEPS.flatMap((step) =>
  FAILURES.filter(({ order }) => order === undefined || VERB_OF[step] !== undefined).map((failure) => ({
    step,
    failure,
  })),
);
/** Longer than anybody waits for it: a runc that creates is killed in the end. One that starts something is not. */
const HANG: Trial = {
  step: 'create',
  failure: { name: 'runc hangs', order: () => 'pause 60', gives: 'deadline' },
};
const LEAVES_MS = 150;
const SETTLED_MS = 10_000;
const EXEC = 'added';
const SIGKILL = 9;
/** Once in so many rounds a runc hangs, since that takes fifteen seconds; in the short form none does. */
const HANG_EVERY = 100;

/**
 * A step on the way to a running container fails: its runc does, or whoever asked leaves. What came of it can be removed,
 * what was not made is not there, and the same container can be run at the next try.
 */
export const rollback: Nemesis = {
  name: 'rollback',
  rounds: { short: 20, ci: 300, long: 300 },
  missing: runtimeMissing,
  async play(stage) {
    const { rng, form } = stage;
    await using yard = await Yard.open(await stage.place());
    let left: Trial[] = [];
    for (let round = 0; stage.more(); round++) {
      if (left.length === 0) left = rng.shuffled(TRIALS);
      const hangs = form !== 'short' && round % HANG_EVERY === 0;
      const { step, failure } = hangs ? HANG : (left.pop() as Trial);
      await stage.round(yard, () => trial(yard, `c${yard.next()}`, step, failure, rng));
    }
  },
};

async function trial(yard: Yard, id: string, step: Step, failure: Failure, rng: Rng): Promise<void> {
  const container = await yard.container(id, withArgs('/bin/sleep', '1000'));
  const verb = VERB_OF[step];
  if (failure.order !== undefined && verb !== undefined) await yard.runc.order(verb, id, failure.order(rng));
  const before = STEPS.slice(0, STEPS.indexOf(step));
  const { tasks } = yard.client.services;
  yard.live.add(id);
  for (const one of before) await take(yard, tasks, id, one);
  const failed = !(await yard.attempt(() => leaving(yard, id, step, failure, rng)));
  yard.count(failed ? 'failed' : 'done all the same');
  // Whoever tries again at once is kept waiting until nothing is left; half of them look first.
  const mayBeThere = failure.gives !== undefined;
  if (step === 'create' && failed && rng.chance(0.5)) await nothingLeft(yard, id, mayBeThere);
  yard.live.add(id);
  if (failed) await nextTry(yard, id, step, mayBeThere);
  else for (const one of STEPS.slice(before.length + 1)) await take(yard, tasks, id, one);
  await mustRun(yard, id);
  await (await yard.client.task(id)).end();
  await container.delete();
  yard.live.delete(id);
  yard.did(2);
}

/**
 * No task, no bundle, no mount, no process, no control group of it.
 *
 * @param mayBeThere - the caller left, maybe while the answer that it is made was on its way.
 */
async function nothingLeft(yard: Yard, id: string, mayBeThere: boolean): Promise<void> {
  yard.live.delete(id);
  await until(
    `nothing to be left of ${id}`,
    async () => {
      const task = await unlessGone(yard.client.services.tasks.get({ containerId: id }));
      return task === undefined ? (await yard.left()).length === 0 : mayBeThere;
    },
    patience(SETTLED_MS),
  ).catch(async (e: unknown) => {
    for (const line of await yard.left()) yard.report('leak', line);
    yard.report('half', reasonOf(e));
  });
}

/** As a client does that was told of a failure, and does not know how far it came. */
async function nextTry(yard: Yard, id: string, step: Step, mayBeThere: boolean): Promise<void> {
  const { tasks } = yard.client.services;
  const from = { create: 0, start: 0, exec: 2, 'start exec': 2 }[step];
  if (step === 'start') await (await yard.client.task(id)).end();
  if (step === 'start exec') await endExec(yard, id);
  for (const one of STEPS.slice(from)) {
    const done = take(yard, tasks, id, one);
    // What was taken for failed may have been done by now.
    await (one === step && mayBeThere ? unlessThere(done) : done);
    yard.did();
  }
}

/** Its start may still be under way, and end in either way. */
async function endExec(yard: Yard, id: string): Promise<void> {
  const { tasks } = yard.client.services;
  const exec = { containerId: id, execId: EXEC };
  await until(`exec ${EXEC} in ${id} to be deleted`, async () => {
    try {
      if ((await tasks.get(exec)).status === 'running') {
        await unlessGone(tasks.kill({ ...exec, signal: SIGKILL }));
        await tasks.wait(exec);
      }
      await tasks.deleteProcess(exec);
      return true;
    } catch (e) {
      if (Fault.is(e, 'failed_precondition')) return false;
      throw e;
    }
  });
}

async function mustRun(yard: Yard, id: string): Promise<void> {
  for (const execId of [undefined, EXEC]) {
    const { status, pid } = await yard.client.services.tasks.get({ containerId: id, execId });
    if (status !== 'running' || !(await isThere(pid)))
      yard.report('lie', `${execId ?? 'the init'} of ${id} is ${status}, and must run`);
  }
}

async function unlessThere(work: Promise<void>): Promise<void> {
  try {
    await work;
  } catch (e) {
    if (!Fault.is(e, 'already_exists')) throw e;
  }
}

/** Takes the step, and stays no longer than the failure lets. */
async function leaving(yard: Yard, id: string, step: Step, { gives }: Failure, rng: Rng): Promise<void> {
  const afterMs = rng.int(0, LEAVES_MS);
  if (gives === undefined) return take(yard, yard.client.services.tasks, id, step);
  if (gives === 'deadline')
    return take(yard, yard.client.services.tasks, id, step, AbortSignal.timeout(Math.max(1, afterMs)));
  const transport = unixTransport(yard.daemon.address);
  const taken = take(yard, remoteTasks(transport, { namespace: yard.namespace }), id, step);
  taken.catch(() => undefined);
  await Promise.race([sleep(afterMs), taken.catch(() => undefined)]);
  await transport[Symbol.asyncDispose]();
  return taken;
}

async function take(yard: Yard, tasks: Tasks, id: string, step: Step, signal?: AbortSignal): Promise<void> {
  const streams = { stdin: '', stdout: '', stderr: '', terminal: false };
  const execId = EXEC;
  switch (step) {
    case 'create': {
      const rootfs = await yard.client.services.snapshotter('overlayfs').mounts(id);
      await tasks.create({ containerId: id, rootfs, ...streams }, { signal });
      break;
    }
    case 'start':
      await tasks.start({ containerId: id }, { signal });
      break;
    case 'exec': {
      const spec = processBytes({
        args: ['/bin/sleep', '1000'],
        cwd: '/',
        env: [],
        user: { uid: 0, gid: 0 },
      });
      await tasks.exec({ containerId: id, execId, spec, ...streams }, { signal });
      break;
    }
    case 'start exec':
      await tasks.start({ containerId: id, execId }, { signal });
      break;
  }
}
