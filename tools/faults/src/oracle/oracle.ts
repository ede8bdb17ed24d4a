import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { unixTransport } from '@stowage/rpc/transport';
import type { Key } from '../model/keys.ts';
import type { Snapshot, Thing } from '../model/thing.ts';
import type { World } from '../model/world.ts';
import { type Services, servicesOf } from '../services.ts';
import { contentLeaks, inspectBlobs } from './inspect-blobs.ts';
import { inspectSnapshots, snapshotLeaks } from './inspect-snapshots.ts';
import { type JudgeOptions, judge } from './judge.ts';
import { observe } from './observe.ts';
import type { Violation } from './violation.ts';

/** The namespace in which collections are forced. */
export const CHECKS = 'faults-check';
const COLLECTIONS = 2;
/** Until what was removed is deleted from disk, which a daemon does behind its answers. */
const DELETED_MS = 5000;

export interface Subject {
  readonly address: string;
  /** Where the daemon keeps what lasts. */
  readonly root: string;
}

/**
 * Compares a running daemon's state, in its words and on disk, with what the journal allows, and takes it for the state
 * to go on from if nothing is wrong.
 */
export async function check(
  subject: Subject,
  world: World,
  options: JudgeOptions = {},
): Promise<Violation[]> {
  await using transport = unixTransport(subject.address);
  const services = (namespace: string) => servicesOf(transport, { namespace });
  for (let i = 0; i < COLLECTIONS; i++) await collect(services(CHECKS), i);
  const found = await observe(services);
  const violations = judge(world, found, options);
  violations.push(...(await inspectBlobs(services, found)));
  const snapshots = await inspectSnapshots(services, seeded(world, found));
  violations.push(...snapshots.violations);
  await collect(services(CHECKS), COLLECTIONS);
  violations.push(...(await leaks(subject.root, found)));
  if (violations.length === 0) world.settle(found, snapshots.unfilled);
  return violations;
}

/** Forces a whole collection that begins now. */
export async function collect({ leases }: Services, n: number): Promise<void> {
  const { id } = await leases.create({ id: `collect-${process.pid}-${Date.now()}-${n}` });
  await leases.delete(id, { sync: true });
}

/** Snapshots that were found, with what the journal knows was put into them. */
function seeded(world: World, found: ReadonlyMap<Key, Thing>): Snapshot[] {
  const seeds = new Map<Key, string>();
  const learn = (key: Key, thing: Thing | null | undefined) => {
    if (thing?.kind === 'snapshot' && thing.seed !== undefined) seeds.set(key, thing.seed);
  };
  for (const [key, { thing }] of world.entries()) learn(key, thing);
  for (const { effects } of world.open()) for (const { key, thing } of effects) learn(key, thing);
  return [...found].flatMap(([key, thing]) => {
    if (thing.kind !== 'snapshot') return [];
    const seed = seeds.get(key);
    return [seed === undefined ? thing : { ...thing, seed }];
  });
}

async function leaks(root: string, found: ReadonlyMap<Key, Thing>): Promise<Violation[]> {
  const look = async () => [
    ...(await contentLeaks(root, found)),
    ...(await snapshotLeaks(root, found)),
    ...(await mountsBelow(root)),
  ];
  const deadline = performance.now() + DELETED_MS;
  let left = await look();
  while (left.length > 0 && performance.now() < deadline) {
    await sleep(50);
    left = await look();
  }
  return left.map((message) => ({ rule: 'leak', message }));
}

async function mountsBelow(root: string): Promise<string[]> {
  const text = await readFile('/proc/self/mountinfo', 'utf8');
  const points = text.split('\n').map((line) => line.split(' ')[4] ?? '');
  return points.filter((point) => point.startsWith(`${root}/`)).map((point) => `mounted: ${point}`);
}
