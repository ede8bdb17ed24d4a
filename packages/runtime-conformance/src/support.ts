import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import { Fault, type FaultKind } from '@stowage/core';
import type { Exit } from '@stowage/runtime';
import type { CaseContext } from './subject.ts';

export async function refused(kind: FaultKind, call: Promise<unknown>): Promise<void> {
  const outcome = await call.then(
    () => 'done',
    (e: unknown) => e,
  );
  assert.ok(Fault.is(outcome), `expected ${kind}, got ${outcome}`);
  assert.equal(outcome.kind, kind, outcome.message);
}

export async function eventually(what: string, check: () => boolean | Promise<boolean>): Promise<void> {
  for (const end = Date.now() + 15_000; Date.now() < end; await delay(10)) if (await check()) return;
  assert.fail(`still not so after 15 s: ${what}`);
}

/** Creates and starts a container that goes on until it is killed. */
export async function started({ tasks, containers }: CaseContext, id: string): Promise<number> {
  const { pid } = await tasks.create(await containers.request(id, 'while :; do sleep 0.05; done'));
  await tasks.start({ id });
  return pid;
}

/** Kills a container and deletes it. */
export async function ended({ tasks, containers }: CaseContext, id: string): Promise<Exit> {
  const exit = tasks.wait({ id });
  await tasks.kill({ id, signal: 9 });
  const told = await exit;
  await tasks.delete({ id });
  await containers.removed(id);
  return told;
}
