import { randomBytes } from 'node:crypto';
import { conformanceKit } from '@stowage/conformance';
import { cases } from './cases/index.ts';
import { Containers } from './containers.ts';
import type { Capability, CaseContext, OpenRuntime, Subject } from './subject.ts';
import { topicsOf } from './topics.ts';

const kit = conformanceKit<Capability, CaseContext, OpenRuntime, Subject>({
  name: 'runtime conformance',
  of: 'runtimes',
  cases,
  context(first, reopen, subject) {
    const opened = [first];
    const last = () => opened.at(-1) as OpenRuntime;
    const namespace = `kit${randomBytes(4).toString('hex')}`;
    return {
      get tasks() {
        return last().runtime.tasks(namespace);
      },
      containers: new Containers(namespace, subject.runtime),
      told: (id) =>
        topicsOf(
          opened.flatMap(({ envelopes }) => envelopes),
          id,
        ),
      async list() {
        const tasks = await Array.fromAsync(last().runtime.list());
        return tasks.filter((task) => task.namespace === namespace).map(({ id }) => id);
      },
      async reopen() {
        opened.push(await reopen());
      },
    };
  },
});

/** Makes a test of every case. A failed one leaves its directory behind and names it. */
export const runtimeConformance = kit.bind;

/** Runs one case on a fresh runtime, in a directory of its own below the system's temporary one. */
export const { runCase } = kit;

/** Runs cases one after the other, without a test runner. */
export const { report } = kit;
