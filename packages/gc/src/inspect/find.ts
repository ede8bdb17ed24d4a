import type { CallOptions } from '@stowage/core';
import { MAX_FOUND, type Query } from '../inspector.ts';
import type { ObjectId } from '../object.ts';
import type { FactSource } from './fact.ts';

/** Looks for an exact name, and for a digest that begins so; of these in the second place. */
export async function find(
  source: FactSource,
  namespace: string | undefined,
  { text, kind }: Query,
  options: CallOptions = {},
): Promise<ObjectId[]> {
  const exact: ObjectId[] = [];
  const begun: ObjectId[] = [];
  const begins = prefixOf(text);
  for await (const fact of source.facts(namespace, options)) {
    if (fact.fact !== 'object' || (kind !== undefined && fact.id.kind !== kind)) continue;
    const { id } = fact;
    if (id.name === text) exact.push(id);
    else if (
      begun.length < MAX_FOUND &&
      (id.kind === 'content' || id.kind === 'snapshots') &&
      begins(id.name)
    )
      begun.push(id);
    if (exact.length === MAX_FOUND) break;
  }
  return exact.length > 0 ? exact : begun;
}

/** Whether a digest begins with a text that is long enough to mean one. */
function prefixOf(text: string): (digest: string) => boolean {
  const [, algorithm, hex = ''] = /^(?:([a-z0-9+._-]+):)?([0-9a-f]{4,})$/.exec(text) ?? [];
  if (hex === '') return () => false;
  return (name) => {
    const colon = name.indexOf(':');
    if (colon < 0 || (algorithm !== undefined && name.slice(0, colon) !== algorithm)) return false;
    return name.startsWith(hex, colon + 1);
  };
}
