import type { DescMessage, MessageShape } from '@bufbuild/protobuf';

/** The fields of a message that are counters. */
type Counters<M> = { [K in keyof M as M[K] extends bigint ? K : never]?: bigint };

/**
 * The counters of a message that a cgroup file lists under the same names.
 *
 * @param nameOf - the file's name for a field, where it differs.
 */
export function flatFields<D extends DescMessage>(
  schema: D,
  file: Readonly<Record<string, bigint>>,
  nameOf: (field: string) => string = (field) => field,
): Counters<MessageShape<D>> {
  const found = schema.fields
    .map(({ name, localName }) => [localName, file[nameOf(name)]] as const)
    .filter(([, value]) => value !== undefined);
  return Object.fromEntries(found) as Counters<MessageShape<D>>;
}
