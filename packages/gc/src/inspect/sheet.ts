import type { MeasureOptions, Usage, UsageOf } from '../inspector.ts';
import type { FactSource } from './fact.ts';
import { measure, type Unit } from './units.ts';

/** Which column each unit of a line counts in. */
export interface Columns {
  isUnique(unit: Unit): boolean;
  isShared(unit: Unit): boolean;
  isReclaimable(unit: Unit): boolean;
}

/** The bytes of units, for lines of sums. */
export class Sheet {
  readonly #bytes: ReadonlyMap<Unit, bigint | undefined>;

  private constructor(bytes: ReadonlyMap<Unit, bigint | undefined>) {
    this.#bytes = bytes;
  }

  static async of(source: FactSource, units: readonly Unit[], options: MeasureOptions): Promise<Sheet> {
    const sizes = await measure(source, units, options);
    return new Sheet(new Map(units.map((unit, i) => [unit, sizes[i]])));
  }

  line(of: UsageOf, count: number, units: Iterable<Unit>, columns: Columns): Usage {
    let [sizeBytes, uniqueBytes, sharedBytes, reclaimableBytes, unmeasured] = [0n, 0n, 0n, 0n, 0];
    for (const unit of units) {
      const bytes = this.#bytes.get(unit);
      if (bytes === undefined) {
        unmeasured += 1;
        continue;
      }
      sizeBytes += bytes;
      if (columns.isUnique(unit)) uniqueBytes += bytes;
      if (columns.isShared(unit)) sharedBytes += bytes;
      if (columns.isReclaimable(unit)) reclaimableBytes += bytes;
    }
    return { of, count, sizeBytes, uniqueBytes, sharedBytes, reclaimableBytes, unmeasured };
  }
}
