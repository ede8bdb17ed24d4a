import type { Case, CaseContext } from '../subject.ts';
import { controlCases } from './control.ts';
import { execCases } from './execs.ts';
import { lifecycleCases } from './lifecycle.ts';
import { reopenCases } from './reopen.ts';
import { streamCases } from './streams.ts';

const PATIENCE_MS = 5000;

const all: readonly Case[] = [
  ...lifecycleCases,
  ...streamCases,
  ...execCases,
  ...controlCases,
  ...reopenCases,
];

/** The whole contract. Data, so that a test runner, a command line or a table in a README can be made of it. */
export const cases: readonly Case[] = all.map((one) => ({
  ...one,
  async run(context) {
    try {
      await one.run(context);
    } catch (e) {
      // What failed is what counts, not that its remains resist.
      await abandon(context).catch(() => {});
      throw e;
    }
    await context.containers[Symbol.asyncDispose]();
  },
}));

/** Ends the containers of a case that failed. */
async function abandon({ tasks, containers }: CaseContext): Promise<void> {
  for (const id of containers.ids) {
    await tasks.kill({ id, signal: 9, all: true }).catch(() => {});
    await tasks.wait({ id }, { signal: AbortSignal.timeout(PATIENCE_MS) }).catch(() => {});
    await tasks.delete({ id }).catch(() => {});
  }
  await containers[Symbol.asyncDispose]();
}
