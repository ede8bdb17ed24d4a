import type { CallOptions } from '@stowage/core';
import type { MeasureOptions } from '../inspector.ts';
import type { ObjectId } from '../object.ts';
import type { FactSource, LeftoverFact, Stored } from './fact.ts';
import type { Picture } from './picture.ts';
import type { Known, Survey } from './survey.ts';
import { turns } from './turns.ts';

/**
 * A piece of the disk: a blob, which the records of several namespaces may name; a snapshot; an ingest; or one of these
 * that no record names any more.
 */
export interface Unit {
  readonly kind: Stored;
  /** Records that name it; none of what is left over. */
  readonly records: Known[];
  /** The same, as a backend has it still. */
  readonly leftover: LeftoverFact | undefined;
}

/** All there are, by a key of their own; those of records in the order of the survey, leftovers after them. */
export async function unitsOf(
  { nodes, leftovers }: Survey,
  { signal }: CallOptions,
): Promise<ReadonlyMap<string, Unit>> {
  const units = new Map<string, Unit>();
  const turn = turns(signal);
  for (const known of nodes.values()) {
    await turn();
    const { kind } = known.id;
    const key = unitKey(known);
    if (key === undefined || !isStored(kind)) continue;
    const unit = units.get(key);
    if (unit === undefined) units.set(key, { kind, records: [known], leftover: undefined });
    else unit.records.push(known);
  }
  for (const leftover of leftovers) {
    await turn();
    const { kind, snapshotter, handle } = leftover;
    const key = kind === 'content' ? blobKey(handle) : `\0${kind}\0${JSON.stringify([snapshotter, handle])}`;
    if (!units.has(key)) units.set(key, { kind, records: [], leftover });
  }
  return units;
}

/** Which unit a record names; undefined for what has no bytes, or isn't there. */
export function unitKey({ key, id: { kind, name }, isAbsent }: Known): string | undefined {
  if (isAbsent || !isStored(kind)) return undefined;
  return kind === 'content' ? blobKey(name) : key;
}

function blobKey(digest: string): string {
  return `\0content\0${digest}`;
}

function isStored(kind: ObjectId['kind']): kind is Stored {
  return kind === 'content' || kind === 'snapshots' || kind === 'ingests';
}

/** How a leftover is told: by what its backend calls it. */
export function leftoverId({ kind, snapshotter, handle }: LeftoverFact): ObjectId {
  return { namespace: '', kind, name: handle, snapshotter };
}

/** Units that no live record names once some records are gone. @param freed - keys, all of live records. */
export function unitsFreed(picture: Picture, freed: ReadonlySet<string>): ReadonlySet<Unit> {
  const { nodes, units } = picture;
  const gone = new Set<Unit>();
  for (const key of freed) {
    const known = nodes.get(key);
    const unit = known && units.get(unitKey(known) ?? '');
    if (unit?.records.every((record) => freed.has(record.key) || !picture.isLive(record.key))) gone.add(unit);
  }
  return gone;
}

/** Questions to backends at a time. */
const AT_ONCE = 8;

/** Bytes of units, in their order; undefined of what is not to be measured, or went meanwhile. */
export async function measure(
  source: FactSource,
  units: readonly Unit[],
  { active = false, signal }: MeasureOptions = {},
): Promise<Array<bigint | undefined>> {
  const sizes = new Array<bigint | undefined>(units.length).fill(undefined);
  let next = 0;
  const worker = async () => {
    for (let at = next++; at < units.length; at = next++) {
      signal?.throwIfAborted();
      const unit = units[at];
      if (unit !== undefined) sizes[at] = await bytesOf(source, unit, active, { signal });
    }
  };
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, units.length) }, worker));
  return sizes;
}

async function bytesOf(
  source: FactSource,
  { records: [first], leftover }: Unit,
  active: boolean,
  options: CallOptions,
): Promise<bigint | undefined> {
  if (first === undefined)
    return leftover && source.bytesOf({ id: leftoverId(leftover), handle: leftover.handle }, options);
  if (first.sizeBytes !== undefined) return first.sizeBytes;
  if (first.isActive && !active) return undefined;
  return source.bytesOf(first, options);
}
