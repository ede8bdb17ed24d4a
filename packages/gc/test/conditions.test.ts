import { expect, test } from '@jest/globals';
import { labelConditions, labelUsedAt, objectName } from '@stowage/gc';

const AT = new Date('2030-01-10T00:00:00Z');
const ago = (hours: number) => new Date(AT.getTime() - hours * 3_600_000);
const CONDITION = 'containerd.io/gc.cond.snapshot.overlayfs';

function held(value: string, usedHoursAgo: number, label = CONDITION): boolean {
  return labelConditions({ [label]: value }).some(({ holds }) => holds(ago(usedHoursAgo), AT));
}

test('a snapshot that was used within the time is kept, another is not', () => {
  expect(held('usedat<72h|chain', 71)).toBe(true);
  expect(held('usedat<72h|chain', 73)).toBe(false);
  expect(held('usedat>72h|chain', 73)).toBe(true);
});

test('of several conditions one is enough, and those that are not understood never hold', () => {
  expect(held('usedat<1h,usedat>48h|chain', 50)).toBe(true);
  expect(held('usedat<1h,usedat>48h|chain', 24)).toBe(false);
  expect(held('color=red,usedat<72h|chain', 1)).toBe(true);
  for (const value of [
    'usedat=1h|chain',
    'usedat<soon|chain',
    'usedat<1h',
    'usedat<1h&usedat>0h|chain',
    '|chain',
  ])
    expect(held(value, 0)).toBe(false);
});

test.each([
  [CONDITION, 'usedat<1h|a|b', objectName('snapshots', 'a|b', 'overlayfs')],
  [`${CONDITION}/other`, 'usedat<1h|a', objectName('snapshots', 'a', 'overlayfs')],
])('%s=%s names a snapshot', (label, value, object) => {
  expect(labelConditions({ [label]: value }).map((one) => one.object)).toEqual([object]);
});

test('the time of use stands on the snapshot', () => {
  expect(labelUsedAt({ 'containerd.io/gc.cond.value-usedat': AT.toISOString(), other: 'x' })).toEqual([AT]);
  expect(labelUsedAt({ 'containerd.io/gc.cond.value-usedat': 'soon' })).toEqual([]);
});
