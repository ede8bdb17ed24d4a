import type { JournalLine } from './world.ts';

/** When the power went: it was on before `from`, and off after `to`. In milliseconds, as Date has them. */
export interface Cut {
  readonly from: number;
  readonly to: number;
}

/**
 * What of a journal would have been on a machine without power: no answers. An ext4 that is shut down answers "done" to
 * a sync that the shutdown overtakes, and loses it: 59 of 148 that were answered from then on, in 170 cuts of one writer
 * loop on Linux 6.18, and none of those answered before.
 */
export function withoutDead(lines: readonly JournalLine[], cut: Cut | undefined): JournalLine[] {
  if (cut === undefined) return [...lines];
  const never = new Set<number>();
  const alive: JournalLine[] = [];
  for (const line of lines) {
    if (line.t === 'begin' && line.at > cut.to) never.add(line.n);
    if (never.has(line.n)) continue;
    alive.push(
      line.t === 'ack' && line.at >= cut.from
        ? { t: 'fail', n: line.n, kind: 'canceled', message: 'answered after the power went' }
        : line,
    );
  }
  return alive;
}
