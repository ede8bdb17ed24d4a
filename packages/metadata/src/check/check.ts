import { type CallOptions, reasonOf } from '@stowage/core';
import { scan } from '../database/scan.ts';
import { backends, type OnDisk } from './backends.ts';
import type { Candidate } from './candidate.ts';
import { damageFinding } from './damage.ts';
import type { Finding } from './finding.ts';
import { leftovers } from './leftovers.ts';
import { links } from './links.ts';
import { Records } from './records.ts';
import type { CheckSources } from './sources.ts';

/**
 * Goes through a database once, and then compares what it read: with checksums, with itself, with blobs and snapshots.
 *
 * What backends hold is listed before the records are read: so whatever is in both was there for long enough, and what
 * only a backend has is being made (there is an intent then) or is nobody's. What seems wrong is looked at again, with its
 * records held, before it is told, if there are writers.
 */
export async function* checkAll(sources: CheckSources, options: CallOptions = {}): AsyncGenerator<Finding> {
  const onDisk = await listed(sources, options);
  const records = new Records();
  const damaged: Finding[] = [];
  try {
    await scan(sources.store, {
      damage: (damage) => void damaged.push(damageFinding(damage)),
      entry: (key, value) => records.add(key, value),
    });
  } catch (e) {
    options.signal?.throwIfAborted();
    yield {
      severity: 'error',
      code: 'unopenable',
      subject: 'db',
      text: `it could not be read to its end: ${reasonOf(e)}`,
      remedy: 'stowaged check --repair keeps what is whole',
    };
  }
  yield* damaged;
  yield* confirmed(sources, links(records, sources.store), options);
  yield* confirmed(sources, backends(records, sources, onDisk, options), options);
  yield* leftovers(records, onDisk);
}

async function listed({ content, snapshotters }: CheckSources, options: CallOptions): Promise<OnDisk> {
  const blobs = new Set<string>();
  if (content !== undefined) for await (const digest of content.list(options)) blobs.add(digest);
  const snapshots = new Map<string, Set<string>>();
  for (const [name, source] of snapshotters) {
    const names = new Set<string>();
    for await (const snapshot of source.list(options)) names.add(snapshot);
    snapshots.set(name, names);
  }
  return { blobs, snapshots };
}

async function* confirmed(
  { hold }: CheckSources,
  candidates: AsyncIterable<Candidate> | Iterable<Candidate>,
  options: CallOptions,
): AsyncGenerator<Finding> {
  for await (const { finding, keys, again } of candidates) {
    options.signal?.throwIfAborted();
    if (hold !== undefined) {
      using _ = await hold(keys, options);
      if (!(await again(options))) continue;
    }
    yield finding;
  }
}
