import { Fault, quote } from '@stowage/core';

const UNITS_MS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/**
 * A time as docker's `--since` has it: `2026-01-02T03:04:05Z`, seconds since 1970, or so long ago: `10m`, `1h30m`.
 *
 * @throws Fault `invalid_argument`
 */
export function parseTimeFlag(flag: string, text: string, now = Date.now()): Date {
  if (/^\d+(\.\d+)?$/.test(text)) return new Date(Number(text) * 1000);
  if (/^(\d+(\.\d+)?(ms|[smhd]))+$/.test(text)) return new Date(now - durationMs(text));
  const at = /^\d{4}-\d\d-\d\d/.test(text) ? new Date(text) : new Date(Number.NaN);
  if (!Number.isNaN(at.getTime())) return at;
  throw new Fault(
    'invalid_argument',
    `${flag} ${quote(text)}: expected a time such as 2026-01-02T03:04:05Z, or how long ago, such as 10m`,
  );
}

function durationMs(text: string): number {
  return [...text.matchAll(/(\d+(?:\.\d+)?)(ms|[smhd])/g)].reduce(
    (sum, [, count, unit]) => sum + Number(count) * UNITS_MS[unit as keyof typeof UNITS_MS],
    0,
  );
}
