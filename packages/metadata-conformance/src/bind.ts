import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { reasonOf } from '@stowage/core';
import { cases } from './cases/index.ts';
import type { Case, MetadataServices, Runner, Subject } from './subject.ts';

/** Makes a test of every case. A failed one leaves its directory behind and names it. */
export function metadataConformance(subject: Subject, run: Runner): void {
  const { differences = {} } = subject;
  run.describe(`metadata conformance: ${subject.name}`, () => {
    for (const one of cases) {
      const missing = (one.needs ?? []).filter((need) => !subject.capabilities.has(need));
      const difference = Object.hasOwn(differences, one.id) ? differences[one.id] : undefined;
      const body = () => runCase(one, subject);
      if (missing.length > 0) run.skip(`${one.id} (needs ${missing.join(', ')})`, body);
      else if (difference === undefined) run.test(one.id, body);
      else run.test(`${one.id} differs: ${difference}`, () => mustFail(one, subject));
    }
    run.test('the list of differences names cases', async () => {
      const ids = new Set(cases.map(({ id }) => id));
      const unknown = Object.keys(differences).filter((id) => !ids.has(id));
      if (unknown.length > 0) throw new Error(`no such case: ${unknown.join(', ')}`);
    });
  });
}

/** Runs one case on the services at a directory of its own below the system's temporary one. */
export async function runCase(one: Case, subject: Subject): Promise<void> {
  const root = await mkdtemp(path.join(tmpdir(), 'metadata-conformance-'));
  try {
    await attempt(one, subject, root);
  } catch (e) {
    throw new Error(`${one.id}: ${reasonOf(e)} (files kept in ${root})`, { cause: e });
  }
  await rm(root, { recursive: true, force: true });
}

async function mustFail(one: Case, subject: Subject): Promise<void> {
  const root = await mkdtemp(path.join(tmpdir(), 'metadata-conformance-'));
  const failed = await attempt(one, subject, root).then(
    () => false,
    () => true,
  );
  await rm(root, { recursive: true, force: true });
  if (!failed) throw new Error(`${one.id}: is kept after all; take it off the list of differences`);
}

async function attempt(one: Case, subject: Subject, root: string): Promise<void> {
  let services: MetadataServices | undefined = await subject.open(root);
  try {
    const reopen = async () => {
      await services?.[Symbol.asyncDispose]?.();
      services = undefined;
      services = await subject.open(root);
      return services;
    };
    await one.run({ services, namespace: () => `case-${randomUUID()}`, reopen });
  } finally {
    await services?.[Symbol.asyncDispose]?.();
  }
}
