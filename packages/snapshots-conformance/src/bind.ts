import { mkdtemp, readdir, rm, rmdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Fault, reasonOf } from '@stowage/core';
import { cases } from './cases/index.ts';
import type { Case, OpenSnapshotter, Runner, Subject } from './subject.ts';

/** Makes a test of every case. A failed one leaves its directory behind and names it. */
export function snapshotterConformance(subject: Subject, run: Runner): void {
  run.describe(`snapshotter conformance: ${subject.name}`, () => {
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
  if (one.deprecated !== undefined) return `deprecated: ${one.deprecated}`;
  const missing = (one.needs ?? []).filter((need) => !capabilities.has(need));
  if (missing.length > 0) return `needs ${missing.join(', ')}`;
  const does = one.without !== undefined && capabilities.has(one.without);
  return does ? `for snapshotters without ${one.without}` : undefined;
}

/** Runs one case on a fresh snapshotter in a directory of its own below the system's temporary one. */
export async function runCase(one: Case, subject: Subject): Promise<void> {
  const root = await mkdtemp(join(tmpdir(), 'snapshotter-conformance-'));
  let snapshotter: OpenSnapshotter | undefined;
  const end = async () => {
    await snapshotter?.[Symbol.asyncDispose]?.();
    await subject.end?.(root);
  };
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
      remote: subject.remote,
    });
  } catch (e) {
    // What fails now, fails because of what failed before.
    await end().catch(() => {});
    const kept = (await removeIfEmpty(root)) ? '' : ` (files kept in ${root})`;
    throw new Error(`${one.id}: ${reasonOf(e)}${kept}`, { cause: e });
  }
  await end();
  await rm(root, { recursive: true, force: true });
}

async function removeIfEmpty(directory: string): Promise<boolean> {
  if ((await readdir(directory)).length > 0) return false;
  await rmdir(directory);
  return true;
}

function noMounts({ name }: Subject): Fault {
  return new Fault('unimplemented', `subject ${name}: claims mounts but has no function to make them`);
}
