import { Fault, quote } from '@stowage/core';

export interface TracingConfig {
  /** Undefined: nothing is traced. */
  readonly endpoint: URL | undefined;
  readonly ratio: number;
  readonly serviceName: string;
}

export const TRACING_DEFAULTS = {
  endpoint: '',
  protocol: 'http/json',
  insecure: false,
  sampling_ratio: 1.0,
  service_name: 'stowaged',
};

/** What containerd's file may say; a collector takes JSON where it takes protobuf. */
const PROTOCOLS = ['http/json', 'http/protobuf', ''];

/**
 * Reads containerd's `endpoint`, `protocol` and `insecure` of the same table, and `sampling_ratio` and `service_name`, which
 * it has in one of its own.
 *
 * @throws Fault `invalid_argument` naming the key.
 */
export function parseTracingConfig(table: Readonly<Record<string, unknown>>): TracingConfig {
  for (const [key, value] of Object.entries(table)) {
    if (!Object.hasOwn(TRACING_DEFAULTS, key)) {
      const known = Object.keys(TRACING_DEFAULTS).map(quote).join(', ');
      throw new Fault('invalid_argument', `${quote(key)}: unknown key; there are ${known}`);
    }
    const type = typeof TRACING_DEFAULTS[key as keyof typeof TRACING_DEFAULTS];
    const isLikeIt = type === 'number' ? ['number', 'bigint'].includes(typeof value) : typeof value === type;
    if (!isLikeIt) throw new Fault('invalid_argument', `${quote(key)}: expected a ${type}`);
  }
  const config = { ...TRACING_DEFAULTS, ...(table as Partial<typeof TRACING_DEFAULTS>) };
  if (!PROTOCOLS.includes(config.protocol)) {
    const reason =
      'expected "http/json"; spans go over HTTP, to the port that a collector has for it, as 4318';
    throw new Fault('invalid_argument', `"protocol": ${quote(config.protocol)}: ${reason}`);
  }
  const ratio = Number(config.sampling_ratio);
  if (!(ratio >= 0 && ratio <= 1))
    throw new Fault('invalid_argument', '"sampling_ratio": expected a number from 0 to 1');
  const endpoint = config.endpoint === '' ? undefined : endpointOf(config.endpoint, config.insecure);
  return { endpoint, ratio, serviceName: config.service_name };
}

/** A URL, or a host and port as containerd takes them. */
function endpointOf(text: string, insecure: boolean): URL {
  const whole = text.includes('://') ? text : `${insecure ? 'http' : 'https'}://${text}`;
  const url = URL.canParse(whole) ? new URL(whole) : undefined;
  if (url === undefined || (url.protocol !== 'http:' && url.protocol !== 'https:')) {
    const expected = 'expected a URL, as http://127.0.0.1:4318';
    throw new Fault('invalid_argument', `"endpoint": ${quote(text)}: ${expected}`);
  }
  return url;
}
