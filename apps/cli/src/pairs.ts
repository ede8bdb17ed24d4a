import { Fault, quote } from '@stowage/core';

/** `name=value`, several of them; one without a value has none. @throws Fault `invalid_argument` for one without a name. */
export function parsePairs(what: string, entries: readonly string[]): Record<string, string> {
  const all: Record<string, string> = Object.create(null);
  for (const entry of entries) {
    const at = entry.indexOf('=');
    const name = at < 0 ? entry : entry.slice(0, at);
    if (name === '') throw new Fault('invalid_argument', `${what} ${quote(entry)} must read name=value`);
    all[name] = at < 0 ? '' : entry.slice(at + 1);
  }
  return all;
}

/** For a table. */
export function labelsText(labels: Readonly<Record<string, string>>): string {
  return Object.entries(labels)
    .map(([name, value]) => `${name}=${value}`)
    .join(',');
}
