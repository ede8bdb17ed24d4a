import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Fault } from '@stowage/core';
import { cases } from './cases/index.ts';
import type { Case, OpenSnapshotter, Runner, Subject } from './subject.ts';

/** Makes a test of every case. A failed one leaves its directory behind and names it. */
export function snapshotterConformance(subject: Subject, run: Runner): void {
  run.describe(`snapshotter conformance: ${subject.name}`, () => {
    for (const one of cases) {
      const missing = (one.needs ?? []).filter((need) => !subject.capabilities.has(need));
      const does = one.without !== undefined && subject.capabilities.has(one.without);
      const body = () => runCase(one, subject);
      if (missing.length > 0) run.skip(`${one.id} (needs ${missing.join(', ')})`, body);
      else if (does) run.skip(`${one.id} (for snapshotters without ${one.without})`, body);
      else run.test(one.id, body);
    }
  });
}

/** Runs one case on a fresh snapshotter in a directory of its own below the system's temporary one. */
export async function runCase(one: Case, subject: Subject): Promise<void> {
  const root = await mkdtemp(join(tmpdir(), 'snapshotter-conformance-'));
  let snapshotter: OpenSnapshotter | undefined;
  try {
    snapshotter = await subject.open(root);
    const reopen = async () => {
      await snapshotter?.[Symbol.asyncDispose]?.();
      snapshotter = undefined;
      snapshotter = await subject.open(root);
      return snapshotter;
    };
    await one.run({
      snapshotter,
      reopen,
      mount: (mounts, use) => subject.mount?.(mounts, use) ?? Promise.reject(noMounts(subject)),
    });
  } catch (e) {
    throw new Error(`${one.id}: ${(e as Error).message} (files kept in ${root})`, { cause: e });
  } finally {
    await snapshotter?.[Symbol.asyncDispose]?.();
  }
  await rm(root, { recursive: true, force: true });
}

function noMounts({ name }: Subject): Fault {
  return new Fault('unimplemented', `subject ${name}: claims mounts but has no function to make them`);
}
