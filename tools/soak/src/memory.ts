/** Bytes of memory at a time. */
export interface Sample {
  readonly atMs: number;
  readonly bytes: number;
}

const MIB = 1024 ** 2;
const HOUR_MS = 3_600_000;

/** How memory went, in MiB and MiB an hour. */
export interface Slope {
  readonly first: number;
  readonly last: number;
  readonly most: number;
  /** Of the line with the least squares from it, through what was sampled after the warm-up. */
  readonly perHour: number;
}

/** @param warmUpMs - after the first sample: what is loaded and cached then is no leak. */
export function slopeOf(samples: readonly Sample[], warmUpMs: number): Slope | undefined {
  const [first] = samples;
  if (first === undefined) return undefined;
  const kept = samples.filter(({ atMs }) => atMs - first.atMs >= warmUpMs);
  const [begin] = kept;
  const last = kept.at(-1);
  if (begin === undefined || last === undefined) return undefined;
  const meanOf = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const [x, y] = [meanOf(kept.map(({ atMs }) => atMs)), meanOf(kept.map(({ bytes }) => bytes))];
  const above = kept.reduce((sum, { atMs, bytes }) => sum + (atMs - x) * (bytes - y), 0);
  const below = kept.reduce((sum, { atMs }) => sum + (atMs - x) ** 2, 0);
  const perHour = below === 0 ? 0 : ((above / below) * HOUR_MS) / MIB;
  const round = (value: number) => Math.round(value * 100) / 100;
  return {
    first: round(begin.bytes / MIB),
    last: round(last.bytes / MIB),
    most: round(Math.max(...kept.map(({ bytes }) => bytes)) / MIB),
    perHour: round(perHour),
  };
}
