import { fromBinary } from '@bufbuild/protobuf';
import { EnvelopeSchema } from '@stowage/api/types';
import { dateOf } from '@stowage/rpc';

const EVERY = 64n;

/** When some entries of the log were written, so that old ones can be dropped without reading them. */
export class Milestones {
  readonly #at: Array<{ readonly seq: bigint; readonly timeMs: number }> = [];

  static isOne(seq: bigint): boolean {
    return seq % EVERY === 0n;
  }

  add(seq: bigint, timeMs: number): void {
    this.#at.push({ seq, timeMs });
  }

  /** Takes the first ones away as long as they are `old`, at most `most`. @returns the last of them. */
  take(most: number, old: (seq: bigint, timeMs: number) => boolean): bigint | undefined {
    let count = 0;
    for (; count < most; count += 1) {
      const next = this.#at[count];
      if (next === undefined || !old(next.seq, next.timeMs)) break;
    }
    return this.#at.splice(0, count).at(-1)?.seq;
  }
}

/** 0 for an entry that does not say: it is as old as can be. */
export function timeOfEntry(payload: Uint8Array): number {
  return dateOf(fromBinary(EnvelopeSchema, payload).timestamp)?.getTime() ?? 0;
}
