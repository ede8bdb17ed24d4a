import type { Labels } from '@stowage/core';
import { isAtOrBelow, upToSlash } from './labels.ts';
import { type ObjectName, objectName } from './object.ts';
import { parseDurationMs, parseTime } from './time.ts';

const CONDITION = 'containerd.io/gc.cond.snapshot';
const USED_AT = 'containerd.io/gc.cond.value-usedat';

/** Something that an object keeps only while a condition holds. */
export interface ConditionalRef {
  readonly object: ObjectName;
  /** @param usedAt - When it was last used, by its own label. */
  holds(usedAt: Date, at: Date): boolean;
}

/**
 * What a blob or an image keeps while a condition holds: `containerd.io/gc.cond.snapshot.<snapshotter>[/x]` =
 * `usedat<72h|<key>`. Several conditions stand before the bar with commas between them, of which one is enough; those
 * that are not understood never hold. The time is that of the snapshot's label `containerd.io/gc.cond.value-usedat`.
 *
 * @see containerd core/metadata/gc.go
 */
export function labelConditions(labels: Labels): ConditionalRef[] {
  const refs: ConditionalRef[] = [];
  for (const [label, value] of Object.entries(labels)) {
    if (!isAtOrBelow(label, CONDITION)) continue;
    const snapshotter = upToSlash(label.slice(CONDITION.length).replace(/^[./]+/, ''));
    const bar = value.indexOf('|');
    if (bar < 0) continue;
    const object = objectName('snapshots', value.slice(bar + 1), snapshotter);
    for (const condition of value.slice(0, bar).split(',')) {
      const [, operator, duration = ''] = /^usedat([<>])(.*)$/s.exec(condition) ?? [];
      const limitMs = operator === undefined ? undefined : parseDurationMs(duration);
      if (limitMs !== undefined)
        refs.push({
          object,
          holds: (usedAt, at) => holds(operator, at.getTime() - usedAt.getTime(), limitMs),
        });
    }
  }
  return refs;
}

/** When a snapshot was last used, by its labels; conditions are held against each of them. */
export function labelUsedAt(labels: Labels): Date[] {
  const times: Date[] = [];
  for (const [label, value] of Object.entries(labels)) {
    const at = isAtOrBelow(label, USED_AT) ? parseTime(value) : undefined;
    if (at !== undefined) times.push(at);
  }
  return times;
}

function holds(operator: string | undefined, agoMs: number, limitMs: number): boolean {
  return operator === '<' ? agoMs < limitMs : agoMs > limitMs;
}
