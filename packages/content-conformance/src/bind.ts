import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { cases } from './cases/index.ts';
import type { Case, OpenStore, Runner, Subject } from './subject.ts';

/** Makes a test of every case. A failed one leaves its directory behind and names it. */
export function contentConformance(subject: Subject, run: Runner): void {
  run.describe(`content conformance: ${subject.name}`, () => {
    for (const one of cases) {
      const missing = (one.needs ?? []).filter((need) => !subject.capabilities.has(need));
      const does = one.without !== undefined && subject.capabilities.has(one.without);
      const body = () => runCase(one, subject);
      if (missing.length > 0) run.skip(`${one.id} (needs ${missing.join(', ')})`, body);
      else if (does) run.skip(`${one.id} (for stores without ${one.without})`, body);
      else run.test(one.id, body);
    }
  });
}

/** Runs one case on a fresh store in a directory of its own below the system's temporary one. */
export async function runCase(one: Case, subject: Subject): Promise<void> {
  const root = await mkdtemp(path.join(tmpdir(), 'content-conformance-'));
  let store: OpenStore | undefined;
  try {
    store = await subject.open(root);
    const reopen = async () => {
      await store?.[Symbol.asyncDispose]?.();
      store = undefined;
      store = await subject.open(root);
      return store;
    };
    await one.run({ store, reopen });
  } catch (e) {
    throw new Error(`${one.id}: ${(e as Error).message} (files kept in ${root})`, { cause: e });
  } finally {
    await store?.[Symbol.asyncDispose]?.();
  }
  await rm(root, { recursive: true, force: true });
}
