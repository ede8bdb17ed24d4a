import type { CallOptions } from '@stowage/core';
import type { MeasureOptions, Usage, UsageOf } from '../inspector.ts';
import type { FactSource } from './fact.ts';
import { turns } from './turns.ts';
import { measure, type Unit } from './units.ts';

/** Which columns of a line a unit counts in; undefined if it is not on the line. */
export type ColumnsOf = (unit: Unit) => Columns | undefined;

export interface Columns {
  readonly isUnique: boolean;
  readonly isShared: boolean;
  readonly isReclaimable: boolean;
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

  async line(
    of: UsageOf,
    count: number,
    units: Iterable<Unit>,
    columnsOf: ColumnsOf,
    { signal }: CallOptions,
  ): Promise<Usage> {
    const turn = turns(signal);
    let [sizeBytes, uniqueBytes, sharedBytes, reclaimableBytes, unmeasured] = [0n, 0n, 0n, 0n, 0];
    for (const unit of units) {
      await turn();
      const columns = columnsOf(unit);
      if (columns === undefined) continue;
      const bytes = this.#bytes.get(unit);
      if (bytes === undefined) {
        unmeasured += 1;
        continue;
      }
      sizeBytes += bytes;
      if (columns.isUnique) uniqueBytes += bytes;
      if (columns.isShared) sharedBytes += bytes;
      if (columns.isReclaimable) reclaimableBytes += bytes;
    }
    return { of, count, sizeBytes, uniqueBytes, sharedBytes, reclaimableBytes, unmeasured };
  }
}
