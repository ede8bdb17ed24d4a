import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Fault, quote } from '@stowage/core';
import type { RunFlags } from '../commands/run-flags.ts';

/** As docker's local driver has it. */
const DEFAULTS = { 'max-size': '20m', 'max-file': '5' };

/**
 * Where the output of a container goes while nobody stays with it; undefined for nowhere. Stowage's runtime writes lines
 * with their times, and bounds them; another one takes the path alone and writes what it gets.
 *
 * @throws Fault `invalid_argument`
 */
export function logUri(
  dir: string,
  { logDriver, logOpt }: Pick<RunFlags, 'logDriver' | 'logOpt'>,
): URL | undefined {
  const options = { ...DEFAULTS, ...Object.fromEntries(logOpt.map(pair)) };
  if (logDriver === 'none') {
    if (logOpt.length > 0) throw new Fault('invalid_argument', '--log-opt goes not with --log-driver none');
    return undefined;
  }
  const uri = pathToFileURL(join(dir, 'log'));
  uri.search = new URLSearchParams({ format: 'cri', ...options }).toString();
  return uri;
}

function pair(text: string): [string, string] {
  const [, name, value] = /^(max-size|max-file)=(.+)$/.exec(text) ?? [];
  if (name === undefined || value === undefined)
    throw new Fault('invalid_argument', `--log-opt ${quote(text)}: max-size=20m and max-file=5 are known`);
  const isValid = name === 'max-size' ? /^\d{1,15}[kmg]?$/i.test(value) : /^[1-9]\d{0,2}$/.test(value);
  if (!isValid) throw new Fault('invalid_argument', `--log-opt ${quote(text)}: that is no ${name}`);
  return [name, value];
}
