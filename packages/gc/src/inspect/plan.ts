import type { MeasureOptions, Removal } from '../inspector.ts';
import type { FactSource } from './fact.ts';
import type { Picture } from './picture.ts';
import type { Known } from './survey.ts';
import { leftoverId, measure, type Unit, unitKey } from './units.ts';

/** Removals that are measured together. */
const PAGE = 100;

/** What nothing keeps and can go, and then what no record names any more. */
export async function* plan(
  source: FactSource,
  picture: Picture,
  namespace: string | undefined,
  options: MeasureOptions = {},
): AsyncGenerator<Removal> {
  const { nodes, units } = picture;
  const goes = ({ key, isAbsent }: Known) => !isAbsent && !picture.isLive(key);
  const told = new Set<string>();
  let page: Array<{ readonly removal: Removal; readonly frees: Unit | undefined }> = [];
  for (const known of nodes.values()) {
    if (!goes(known) || (namespace !== undefined && known.id.namespace !== namespace)) continue;
    const key = unitKey(known);
    const unit = key === undefined || told.has(key) ? undefined : units.get(key);
    const frees = unit?.records.every(goes) ? unit : undefined;
    if (frees !== undefined && key !== undefined) told.add(key);
    page.push({ removal: { object: known.id, stage: 'record', freesBytes: 0n }, frees });
    if (page.length < PAGE) continue;
    yield* measured(source, page, options);
    page = [];
  }
  for (const unit of units.values()) {
    if (unit.leftover === undefined || namespace !== undefined) continue;
    page.push({
      removal: { object: leftoverId(unit.leftover), stage: 'backend', freesBytes: 0n },
      frees: unit,
    });
    if (page.length < PAGE) continue;
    yield* measured(source, page, options);
    page = [];
  }
  yield* measured(source, page, options);
}

async function* measured(
  source: FactSource,
  page: ReadonlyArray<{ readonly removal: Removal; readonly frees: Unit | undefined }>,
  options: MeasureOptions,
): AsyncGenerator<Removal> {
  const units = page.flatMap(({ frees }) => frees ?? []);
  const sizes = await measure(source, units, options);
  let at = 0;
  for (const { removal, frees } of page)
    yield frees === undefined ? removal : { ...removal, freesBytes: sizes[at++] };
}
