import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { Fault } from '@stowage/core';
import type { Envelope } from '@stowage/events';
import type { TaskService } from '@stowage/runtime';
import { ShimRuntime } from '../../runtime-shim/src/index.ts';
import { cases } from '../src/cases/index.ts';
import { type OpenRuntime, runCase, type Subject } from '../src/index.ts';

type Change = (tasks: TaskService) => Partial<TaskService>;
type Lie = (envelope: Envelope) => boolean;

async function open(
  root: string,
  change: Change = () => ({}),
  tells: Lie = () => true,
): Promise<OpenRuntime> {
  const envelopes: Envelope[] = [];
  const forward = async (envelope: Envelope) => void (tells(envelope) && envelopes.push(envelope));
  const shims = await ShimRuntime.open({ state: join(root, 'state'), events: { forward } });
  const tasks = (namespace: string) => {
    const real = shims.tasks(namespace);
    return { ...real, ...change(real) };
  };
  const runtime = {
    tasks,
    serves: () => true,
    list: () => shims.list(),
    info: () => Promise.reject(new Error('unused')),
  };
  return { runtime, envelopes, [Symbol.asyncDispose]: () => shims[Symbol.asyncDispose]() };
}

/** A runtime that is broken in one way. */
function mutant(change: Change, tells?: Lie): Subject {
  return {
    name: 'mutant',
    runtime: 'io.containerd.runc.v2',
    capabilities: new Set(['reopen', 'processes', 'mounts']),
    open: (root) => open(root, change, tells),
  };
}

const caseOf = (id: string) => {
  const found = cases.find((one) => one.id === id);
  if (found === undefined) throw new Error(`no case ${id}`);
  return found;
};

const echo = 'plain/a-container-echoes-exits-with-its-code-and-is-gone';
const nothing = async () => {};
const changed = async <T extends object>(call: Promise<T>, more: Partial<T>): Promise<T> => ({
  ...(await call),
  ...more,
});

const mutants: ReadonlyArray<readonly [how: string, id: string, change: Change, tells?: Lie]> = [
  ['loses exit codes', echo, (t) => ({ wait: (p, o) => changed(t.wait(p, o), { exitStatus: 0 }) })],
  ['tells no exits', echo, () => ({}), ({ topic }) => topic !== '/tasks/exit'],
  ['says that all runs', echo, (t) => ({ state: (p, o) => changed(t.state(p, o), { status: 'running' }) })],
  [
    'starts twice',
    'lifecycle/what-comes-at-the-wrong-time-is-refused',
    (t) => ({ start: (p, o) => t.start(p, o).catch(() => ({ pid: 1 })) }),
  ],
  [
    'knows one kind of failure',
    'lifecycle/a-task-that-is-not-there-is-not-found-by-any-call',
    (t) => ({ pids: (id, o) => t.pids(id, o).catch(() => Promise.reject(new Fault('unknown', 'no'))) }),
  ],
  [
    'swaps errors and output',
    'plain/errors-go-their-own-way',
    (t) => ({ create: (r, o) => t.create({ ...r, stdout: r.stderr, stderr: r.stdout }, o) }),
  ],
  ['ignores sizes', 'terminal/has-the-size-that-it-is-given', () => ({ resizePty: nothing })],
  ['does not pause', 'control/pause-and-resume-are-told-and-seen', () => ({ pause: nothing })],
  [
    'shows no execs',
    'execs/the-exit-of-one-is-told-before-that-of-its-init',
    () => ({ pids: async () => [] }),
  ],
];

for (const [how, id, change, tells] of mutants) {
  test(`a runtime that ${how} is found out by ${id}`, async () => {
    await runCase(
      caseOf(id),
      mutant(() => ({})),
    );
    const found = await runCase(caseOf(id), mutant(change, tells)).catch((e: Error) => e.message);
    expect(found).toContain(id);
    const [, kept] = /files kept in ([^)]*)/.exec(found ?? '') ?? [];
    if (kept !== undefined) await rm(kept, { recursive: true });
  }, 60_000);
}
