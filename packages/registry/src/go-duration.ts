const UNIT_MS: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
};

/** `1m30s`, `500ms`, as Go's time.ParseDuration reads them. @returns NaN for what is none, or not above 0. */
export function goDurationMs(value: unknown): number {
  if (typeof value !== 'string' || !/^(?:[0-9]+(?:\.[0-9]+)?(?:ns|us|µs|ms|s|m|h))+$/.test(value))
    return Number.NaN;
  let sum = 0;
  for (const [, count, unit = ''] of value.matchAll(/([0-9.]+)([a-zµ]+)/g))
    sum += Number(count) * (UNIT_MS[unit] ?? Number.NaN);
  return sum > 0 ? Math.max(1, Math.round(sum)) : Number.NaN;
}
