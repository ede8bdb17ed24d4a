import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Fault, type FaultKind, jsonBytes, TYPE_URL, unlessGone } from '@stowage/core';
import type { TaskService } from '@stowage/runtime';
import { ShimRuntime } from '@stowage/runtime-shim';
import { Workbench } from '../../../packages/runtime-runc/test/fixtures/workbench.ts';

type Outcome = FaultKind | 'done';
type State = keyof typeof STATES;
type ExecState = keyof typeof EXEC_STATES;

const none = { stdin: '', stdout: '', stderr: '', terminal: false };
const sleeping = jsonBytes(TYPE_URL.process, { args: ['sleep', '1000'], cwd: '/', env: ['PATH=/bin'] });
const limits = jsonBytes(TYPE_URL.linuxResources, { pids: { limit: 100 } });

/** What is asked of a task. Those that change its state are asked of one of their own. */
const ASK: Readonly<Record<string, (tasks: TaskService, id: string) => Promise<unknown>>> = {
  state: (tasks, id) => tasks.state({ id }),
  'kill with signal 0': (tasks, id) => tasks.kill({ id, signal: 0 }),
  'kill with signal 100': (tasks, id) => tasks.kill({ id, signal: 100 }),
  resize: (tasks, id) => tasks.resizePty({ id, width: 80, height: 24 }),
  'closeIO twice': async (tasks, id) => {
    await tasks.closeIO({ id });
    await tasks.closeIO({ id });
  },
  update: (tasks, id) => tasks.update({ id, resources: limits }),
  pids: (tasks, id) => tasks.pids(id),
  stats: (tasks, id) => tasks.stats(id),
  exec: (tasks, id) => tasks.exec({ ...none, id, execId: 'asked', spec: sleeping }),
  'exec again': (tasks, id) => tasks.exec({ ...none, id, execId: 'asked', spec: sleeping }),
  checkpoint: (tasks, id) => tasks.checkpoint({ id, path: `/tmp/stowage-no-checkpoint-${id}` }),
  resume: (tasks, id) => tasks.resume(id),
  start: (tasks, id) => tasks.start({ id }),
  pause: (tasks, id) => tasks.pause(id),
  wait: (tasks, id) => tasks.wait({ id }),
  delete: (tasks, id) => tasks.delete({ id }),
  kill: (tasks, id) => tasks.kill({ id, signal: 9 }),
};
const CHANGES: ReadonlySet<string> = new Set(['resume', 'start', 'pause', 'delete', 'kill']);

const all = (outcome: Outcome) => Object.fromEntries(Object.keys(ASK).map((name) => [name, outcome]));
const precondition = 'failed_precondition';

/** What is answered in each state. What is not listed, nobody asks: it would wait, or takes CRIU. */
const STATES = {
  none: all('not_found'),
  created: {
    state: 'done',
    'kill with signal 0': 'done',
    'kill with signal 100': 'invalid_argument',
    resize: precondition,
    'closeIO twice': 'done',
    update: 'done',
    pids: 'done',
    stats: 'done',
    exec: 'done',
    'exec again': 'already_exists',
    checkpoint: precondition,
    resume: precondition,
    pause: precondition,
    start: 'done',
    delete: 'done',
    kill: 'done',
  },
  running: {
    state: 'done',
    'kill with signal 0': 'done',
    'kill with signal 100': 'invalid_argument',
    resize: precondition,
    'closeIO twice': 'done',
    update: 'done',
    pids: 'done',
    stats: 'done',
    exec: 'done',
    'exec again': 'already_exists',
    resume: precondition,
    start: precondition,
    delete: precondition,
    pause: 'done',
    kill: 'done',
  },
  paused: {
    state: 'done',
    'kill with signal 0': 'done',
    'kill with signal 100': 'invalid_argument',
    resize: precondition,
    'closeIO twice': 'done',
    update: 'done',
    pids: 'done',
    stats: 'done',
    exec: precondition,
    start: precondition,
    pause: precondition,
    delete: precondition,
    resume: 'done',
    kill: 'done',
  },
  stopped: {
    state: 'done',
    'kill with signal 0': 'not_found',
    'kill with signal 100': 'invalid_argument',
    resize: precondition,
    'closeIO twice': 'done',
    update: precondition,
    exec: precondition,
    checkpoint: precondition,
    resume: precondition,
    start: precondition,
    pause: precondition,
    wait: 'done',
    kill: 'not_found',
    delete: 'done',
  },
  deleted: all('not_found'),
} as const satisfies Record<string, Readonly<Record<string, Outcome>>>;

const ASK_EXEC: Readonly<
  Record<string, (tasks: TaskService, id: string, execId: string) => Promise<unknown>>
> = {
  state: (tasks, id, execId) => tasks.state({ id, execId }),
  'kill with signal 0': (tasks, id, execId) => tasks.kill({ id, execId, signal: 0 }),
  'kill with signal 100': (tasks, id, execId) => tasks.kill({ id, execId, signal: 100 }),
  resize: (tasks, id, execId) => tasks.resizePty({ id, execId, width: 80, height: 24 }),
  'closeIO twice': async (tasks, id, execId) => {
    await tasks.closeIO({ id, execId });
    await tasks.closeIO({ id, execId });
  },
  'exec of the same id': (tasks, id, execId) => tasks.exec({ ...none, id, execId, spec: sleeping }),
  wait: (tasks, id, execId) => tasks.wait({ id, execId }),
  start: (tasks, id, execId) => tasks.start({ id, execId }),
  // For the init alone: the container goes on.
  'kill of all': async (tasks, id, execId) => {
    await tasks.kill({ id, execId, signal: 9, all: true });
    expect(await tasks.state({ id })).toMatchObject({ status: 'running' });
  },
  delete: (tasks, id, execId) => tasks.delete({ id, execId }),
};
const CHANGES_EXEC: ReadonlySet<string> = new Set(['start', 'kill of all', 'delete']);
const { 'exec of the same id': _, ...noExec } = Object.fromEntries(
  Object.keys(ASK_EXEC).map((name) => [name, 'not_found' as Outcome]),
);

const EXEC_STATES = {
  none: noExec,
  created: {
    state: 'done',
    'kill with signal 0': precondition,
    'kill with signal 100': 'invalid_argument',
    resize: precondition,
    'closeIO twice': 'done',
    'exec of the same id': 'already_exists',
    'kill of all': precondition,
    start: 'done',
    delete: 'done',
  },
  running: {
    state: 'done',
    'kill with signal 0': 'done',
    'kill with signal 100': 'invalid_argument',
    resize: precondition,
    'closeIO twice': 'done',
    'exec of the same id': 'already_exists',
    start: precondition,
    delete: precondition,
    'kill of all': 'done',
  },
  stopped: {
    state: 'done',
    'kill with signal 0': 'not_found',
    'kill with signal 100': 'invalid_argument',
    resize: precondition,
    'closeIO twice': 'done',
    'exec of the same id': 'already_exists',
    wait: 'done',
    start: precondition,
    'kill of all': 'not_found',
    delete: 'done',
  },
} as const satisfies Record<string, Readonly<Record<string, Outcome>>>;

interface Subject {
  readonly name: string;
  readonly tasks: () => TaskService;
  /** Where it answers otherwise than the tables say, `state: what is asked`, and why. */
  readonly differs: Readonly<Record<string, Outcome>>;
}

let bench: Workbench;
let shim: ShimRuntime;
let root: string;
beforeAll(async () => {
  bench = await Workbench.open();
  root = await mkdtemp(join(tmpdir(), 'states-'));
  shim = await ShimRuntime.open({ state: root, events: { forward: async () => {} } });
});
afterAll(async () => {
  await shim[Symbol.asyncDispose]();
  await bench[Symbol.asyncDispose]();
  await rm(root, { recursive: true });
});

const outcomeOf = (answer: Promise<unknown>): Promise<Outcome> =>
  answer.then(
    () => 'done',
    (e: unknown) => {
      if (Fault.is(e)) return e.kind;
      throw e;
    },
  );

let made = 0;
async function taskIn(state: State, tasks: TaskService): Promise<string> {
  const id = `t${++made}`;
  if (state === 'none') return id;
  const request = await bench.container(id, ['sleep', '1000']);
  await tasks.create({ ...request, runtime: 'io.containerd.runc.v2' });
  if (state === 'created') return id;
  await tasks.start({ id });
  if (state === 'paused') await tasks.pause(id);
  if (state === 'running' || state === 'paused') return id;
  const exit = tasks.wait({ id });
  await tasks.kill({ id, signal: 9 });
  await exit;
  if (state === 'deleted') await tasks.delete({ id });
  return id;
}

async function execIn(state: ExecState, tasks: TaskService, id: string): Promise<string> {
  const execId = `e${++made}`;
  if (state === 'none') return execId;
  await tasks.exec({ ...none, id, execId, spec: sleeping });
  if (state === 'created') return execId;
  await tasks.start({ id, execId });
  if (state === 'running') return execId;
  const exit = tasks.wait({ id, execId });
  await tasks.kill({ id, execId, signal: 9 });
  await exit;
  return execId;
}

async function removed(tasks: TaskService, id: string): Promise<void> {
  const state = await tasks.state({ id }).catch(() => undefined);
  if (state === undefined) return;
  if (state.status !== 'stopped') {
    const exit = tasks.wait({ id });
    // It may have been killed just now.
    await unlessGone(tasks.kill({ id, signal: 9 }));
    await exit;
  }
  await tasks.delete({ id });
}

const SUBJECTS: readonly Subject[] = [
  { name: 'runtime-runc', tasks: () => bench.tasks, differs: {} },
  {
    name: 'containerd-shim-runc-v2 1.6',
    tasks: () => shim.tasks(bench.namespace),
    differs: {
      // It asks runc, whose reason it does not look at, and where it need not ask it answers for the state first.
      'created: kill with signal 100': 'unknown',
      'running: kill with signal 100': 'unknown',
      'paused: kill with signal 100': 'unknown',
      'stopped: kill with signal 100': 'not_found',
      'exec created: kill with signal 100': 'failed_precondition',
      'exec running: kill with signal 100': 'unknown',
      'exec stopped: kill with signal 100': 'not_found',
      // Without a terminal it does nothing, and does not say so; with the streams of an exec goes what it looks for.
      'created: resize': 'done',
      'running: resize': 'done',
      'paused: resize': 'done',
      'stopped: resize': 'done',
      'exec created: resize': 'done',
      'exec running: resize': 'done',
      'exec stopped: resize': 'unknown',
      // Errors without a kind. Clients that care ask for the state before.
      'created: checkpoint': 'unknown',
      'stopped: checkpoint': 'unknown',
      'stopped: update': 'unknown',
      'paused: exec': 'unknown',
      'stopped: exec': 'unknown',
      'exec none: closeIO twice': 'unknown',
    },
  },
];

describe.each(SUBJECTS)('$name', ({ tasks: subject, differs }) => {
  const expected = (table: Readonly<Record<string, Outcome>>, prefix: string) =>
    Object.fromEntries(
      Object.entries(table).map(([name, outcome]) => [name, differs[`${prefix}: ${name}`] ?? outcome]),
    );

  test.each(Object.keys(STATES) as State[])('a task that is %s', async (state) => {
    const tasks = subject();
    const found: Record<string, Outcome> = {};
    const shared = await taskIn(state, tasks);
    for (const name of Object.keys(STATES[state])) {
      const id = CHANGES.has(name) ? await taskIn(state, tasks) : shared;
      found[name] = await outcomeOf(ASK[name]?.(tasks, id) ?? Promise.reject(new Error(name)));
      if (id !== shared) await removed(tasks, id);
    }
    await removed(tasks, shared);
    expect(found).toEqual(expected(STATES[state], state));
  });

  test('an exec', async () => {
    const tasks = subject();
    const id = await taskIn('running', tasks);
    const found: Record<string, Outcome> = {};
    const wanted: Record<string, Outcome> = {};
    for (const state of Object.keys(EXEC_STATES) as ExecState[]) {
      const shared = await execIn(state, tasks, id);
      for (const name of Object.keys(EXEC_STATES[state])) {
        const execId = CHANGES_EXEC.has(name) ? await execIn(state, tasks, id) : shared;
        found[`exec ${state}: ${name}`] = await outcomeOf(
          ASK_EXEC[name]?.(tasks, id, execId) ?? Promise.reject(new Error(name)),
        );
      }
      for (const [name, outcome] of Object.entries(EXEC_STATES[state]))
        wanted[`exec ${state}: ${name}`] = differs[`exec ${state}: ${name}`] ?? outcome;
    }
    await removed(tasks, id);
    expect(found).toEqual(wanted);
  });
});
