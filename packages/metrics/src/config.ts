import { Fault, quote } from '@stowage/core';
import { type MetricsAddress, parseMetricsAddress } from './address.ts';

export interface MetricsConfig {
  /** Undefined: none is served. */
  readonly address: MetricsAddress | undefined;
  readonly grpcHistogram: boolean;
}

export const METRICS_DEFAULTS = { address: '', allow_remote: false, grpc_histogram: true };

/**
 * Reads containerd's `[metrics]`, with one setting more.
 *
 * @throws Fault `invalid_argument` naming the key.
 */
export function parseMetricsConfig(table: Readonly<Record<string, unknown>>): MetricsConfig {
  for (const [key, value] of Object.entries(table)) {
    if (!Object.hasOwn(METRICS_DEFAULTS, key)) {
      const known = Object.keys(METRICS_DEFAULTS).map(quote).join(', ');
      throw new Fault('invalid_argument', `${quote(key)}: unknown key; there are ${known}`);
    }
    const type = typeof METRICS_DEFAULTS[key as keyof typeof METRICS_DEFAULTS];
    if (typeof value !== type) {
      const expected = type === 'string' ? 'a string' : 'true or false';
      throw new Fault('invalid_argument', `${quote(key)}: expected ${expected}`);
    }
  }
  const config = { ...METRICS_DEFAULTS, ...(table as Partial<typeof METRICS_DEFAULTS>) };
  const address =
    config.address === '' ? undefined : parseMetricsAddress(config.address, config.allow_remote);
  return { address, grpcHistogram: config.grpc_histogram };
}
