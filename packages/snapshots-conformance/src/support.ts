import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Fault, type FaultKind, type Labels, reasonOf } from '@stowage/core';
import type { SnapshotInfo, Snapshotter, Usage } from '@stowage/snapshots';
import type { CaseContext } from './subject.ts';

/** Commits an empty layer. */
export async function commitLayer(
  s: Snapshotter,
  name: string,
  parent = '',
  labels: Labels = {},
): Promise<void> {
  await s.prepare(`making ${name}`, parent);
  await s.commit(name, `making ${name}`, { labels });
}

/** Commits a layer that `change` makes of its parent. */
export async function changeLayer(
  { snapshotter, mount }: CaseContext,
  name: string,
  parent: string,
  change: (path: string) => Promise<void>,
): Promise<void> {
  await mount(await snapshotter.prepare(`making ${name}`, parent), change);
  await snapshotter.commit(name, `making ${name}`);
}

/** Lets `look` see a snapshot through a view. */
export async function look<T>(
  { snapshotter, mount }: CaseContext,
  name: string,
  see: (path: string) => Promise<T>,
): Promise<T> {
  const seen = await mount(await snapshotter.view(`view of ${name}`, name), see);
  await snapshotter.remove(`view of ${name}`);
  return seen;
}

/** Names that match, sorted, since a snapshotter may list in any order. */
export async function names(s: Snapshotter, ...filters: string[]): Promise<string[]> {
  const all: string[] = [];
  for await (const { name } of s.list(filters)) all.push(name);
  return all.sort();
}

/** Labels as pairs, sorted: an object would hide keys such as `__proto__`. */
export function pairs(labels: Labels): [string, string][] {
  return Object.entries(labels).sort();
}

/** All of it, comparable. */
export function plain(info: SnapshotInfo) {
  const { labels, createdAt, updatedAt, ...rest } = info;
  return { ...rest, labels: pairs(labels), createdAt: createdAt.getTime(), updatedAt: updatedAt.getTime() };
}

/** In an object of this realm: one out of a worker may be of another. */
export function plainUsage({ sizeBytes, inodes }: Usage): Usage {
  return { sizeBytes, inodes };
}

/** Fails unless the work fails with a Fault of one of these kinds. @returns that. */
export async function refused(
  kinds: FaultKind | readonly FaultKind[],
  work: Promise<unknown>,
): Promise<Fault> {
  const e = await failureOf(work);
  assert.ok(Fault.is(e), `expected a Fault ${kinds}, got ${(e as Error | undefined)?.name}: ${reasonOf(e)}`);
  assert.ok([kinds].flat().includes(e.kind), `expected ${kinds}, got ${e.kind}: ${e.message}`);
  return e;
}

/** Fails if the work fails, but for a Fault of one of these kinds. */
export async function unlessRefused(
  kinds: FaultKind | readonly FaultKind[],
  work: Promise<unknown>,
): Promise<void> {
  try {
    await work;
  } catch (e) {
    if (!Fault.is(e) || ![kinds].flat().includes(e.kind)) throw e;
  }
}

/** What the work failed with. */
export async function failureOf(work: Promise<unknown>): Promise<unknown> {
  try {
    await work;
  } catch (e) {
    return e;
  }
  throw new assert.AssertionError({ message: 'expected a failure, but the call succeeded' });
}

/** Names in a directory, sorted, in an array of this realm: a test runner's may be of another. */
export async function entries(...path: string[]): Promise<string[]> {
  return [...(await readdir(join(...path)))].sort();
}
