import { mkdtemp, readdir, rm, rmdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { cases } from './cases/index.ts';
import type { Case, OpenStore, Runner, Subject } from './subject.ts';

/** Makes a test of every case. A failed one leaves its directory behind and names it. */
export function contentConformance(subject: Subject, run: Runner): void {
  run.describe(`content conformance: ${subject.name}`, () => {
    for (const one of cases) {
      const reason = whySkipped(one, subject);
      const body = () => runCase(one, subject);
      if (reason === undefined) run.test(one.id, body);
      else run.skip(`${one.id} (${reason})`, body);
    }
  });
}

/** Why a case is not for the subject; undefined if it is. */
export function whySkipped(one: Case, { capabilities }: Subject): string | undefined {
  const missing = (one.needs ?? []).filter((need) => !capabilities.has(need));
  if (missing.length > 0) return `needs ${missing.join(', ')}`;
  const does = one.without !== undefined && capabilities.has(one.without);
  return does ? `for stores without ${one.without}` : undefined;
}

/** Runs one case on a fresh store in a directory of its own below the system's temporary one. */
export async function runCase(one: Case, subject: Subject): Promise<void> {
  const root = await mkdtemp(path.join(tmpdir(), 'content-conformance-'));
  let store: OpenStore | undefined;
  const end = async () => {
    await store?.[Symbol.asyncDispose]?.();
    await subject.end?.(root);
  };
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
    // What fails now, fails because of what failed before.
    await end().catch(() => {});
    const kept = (await removeIfEmpty(root)) ? '' : ` (files kept in ${root})`;
    throw new Error(`${one.id}: ${(e as Error).message}${kept}`, { cause: e });
  }
  await end();
  await rm(root, { recursive: true, force: true });
}

async function removeIfEmpty(directory: string): Promise<boolean> {
  if ((await readdir(directory)).length > 0) return false;
  await rmdir(directory);
  return true;
}
