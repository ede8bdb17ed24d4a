import type { Freed, MeasureOptions } from '../inspector.ts';
import type { FactSource } from './fact.ts';
import type { Picture } from './picture.ts';
import { measure, unitsFreed } from './units.ts';

/** What goes with some live objects that are removed. */
export async function sumOf(
  source: FactSource,
  picture: Picture,
  freed: ReadonlySet<string>,
  options: MeasureOptions,
): Promise<Freed> {
  const units = [...unitsFreed(picture, freed)];
  const sums = { content: 0n, snapshots: 0n, ingests: 0n };
  let unmeasured = 0;
  for (const [i, bytes] of (await measure(source, units, options)).entries()) {
    const unit = units[i];
    if (unit === undefined || bytes === undefined) unmeasured += 1;
    else sums[unit.kind] += bytes;
  }
  return {
    objects: [...freed].filter((key) => picture.nodes.get(key)?.isAbsent === false).length,
    contentBytes: sums.content,
    snapshotBytes: sums.snapshots,
    ingestBytes: sums.ingests,
    unmeasured,
  };
}
