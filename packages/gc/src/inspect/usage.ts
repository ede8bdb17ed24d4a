import type { Usage, UsageOptions } from '../inspector.ts';
import type { ObjectKind } from '../object.ts';
import type { FactSource } from './fact.ts';
import { holderLine, usedTargets } from './holder-usage.ts';
import { keepersIn } from './keepers.ts';
import type { Picture } from './picture.ts';
import { Sheet } from './sheet.ts';
import { namespaceLine, storeLine } from './store-usage.ts';
import type { Known } from './survey.ts';
import { unitKey } from './units.ts';

const HOLDERS: readonly ObjectKind[] = ['images', 'containers', 'sandboxes', 'leases'];
const STORES: readonly ObjectKind[] = ['snapshots', 'content', 'ingests'];

/** Reckons who takes how much: sums first, then single objects if asked for. */
export async function* usage(
  source: FactSource,
  picture: Picture,
  namespace: string | undefined,
  { detail = false, ...options }: UsageOptions = {},
): AsyncGenerator<Usage> {
  const { signal } = options;
  const all = [...picture.units.values()];
  const sheet = await Sheet.of(source, all, options);
  const keepers = await keepersIn(picture.survey, { signal });
  const used = usedTargets(picture);

  const isSeen = ({ id, isAbsent }: Known) =>
    !isAbsent && (namespace === undefined || id.namespace === namespace);
  const seen = [...picture.nodes.values()].filter(isSeen);
  const kinds = Map.groupBy(seen, ({ id }) => id.kind);
  const units = all.filter(({ records, leftover }) =>
    leftover === undefined ? records.some(isSeen) : namespace === undefined,
  );

  yield await storeLine(sheet, keepers, { type: 'total' }, units, { signal });
  for (const [name, those] of Map.groupBy(seen, ({ id }) => id.namespace))
    yield await namespaceLine(sheet, picture, name, those.length, { signal });
  for (const kind of HOLDERS) {
    const those = kinds.get(kind) ?? [];
    yield await holderLine(sheet, picture, used, { type: 'kind', kind }, those, { signal });
  }
  for (const kind of STORES) {
    const those = units.filter((unit) => unit.kind === kind);
    yield await storeLine(sheet, keepers, { type: 'kind', kind }, those, { signal });
  }
  if (!detail) return;
  for (const known of HOLDERS.flatMap((kind) => kinds.get(kind) ?? []))
    yield await holderLine(sheet, picture, used, { type: 'object', object: known.id }, [known], { signal });
  for (const known of kinds.get('snapshots') ?? []) {
    signal?.throwIfAborted();
    const unit = picture.units.get(unitKey(known) ?? '');
    if (unit === undefined) continue;
    yield await storeLine(sheet, keepers, { type: 'object', object: known.id }, [unit], { signal });
  }
}
