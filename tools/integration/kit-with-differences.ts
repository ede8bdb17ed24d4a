import { expect, test } from '@jest/globals';
import { cases, report, type Subject } from '@stowage/snapshots-conformance';

/** Cases of the kit that containerd 1.6 fails whatever the snapshotter, and how: the kit asks more than it gives. */
export const CONTAINERD_DIFFERS: readonly (readonly [string, RegExp])[] = [
  // It knows no parent at commit, and drops it.
  ['commit/onto-another-parent-is-refused-without-rebase', /expected a failure, but the call succeeded/],
  // What its metadata refuses reaches the client without a code of its own.
  ['list/by-a-malformed-filter-is-invalid-argument', /got unknown: filters: parse error/],
  ['keys/must-not-be-empty', /got unknown: key required/],
];

/** Makes a test of every case: it does not fail, or fails in the way that is known. */
export function kitWithDifferences(subject: Subject, known: ReadonlyMap<string, RegExp>): void {
  test.each(cases.map((one) => [one.id, one] as const))(
    '%s',
    async (id, one) => {
      const [outcome] = await Array.fromAsync(report(subject, [one], { differs: new Set(known.keys()) }));
      const expected = known.get(id);
      if (expected === undefined) expect(outcome).not.toMatchObject({ how: 'failed' });
      else expect(outcome).toMatchObject({ how: 'differs', reason: expect.stringMatching(expected) });
    },
    120_000,
  );
}
