import { create } from '@bufbuild/protobuf';
import { type KeyValue, KeyValueSchema, type Request } from '@stowage/api/ttrpc';

/** Headers as ttrpc carries them. */
export function metadataOf(headers: Headers): KeyValue[] {
  const metadata: KeyValue[] = [];
  headers.forEach((value, key) => {
    metadata.push(create(KeyValueSchema, { key, value }));
  });
  return metadata;
}

/** The same for who asks after few of them. A key that comes more than once has all its values. */
export function fieldsOf(metadata: readonly KeyValue[]): Record<string, string> {
  const fields: Record<string, string> = Object.create(null);
  for (const { key, value } of metadata) {
    const name = key.toLowerCase();
    fields[name] = name in fields ? `${fields[name]}, ${value}` : value;
  }
  return fields;
}

/** A key that comes more than once has all its values. What no Headers object can hold is left out. */
export function headersOf(metadata: readonly KeyValue[]): Headers {
  const headers = new Headers();
  for (const { key, value } of metadata) {
    try {
      headers.append(key, value);
    } catch {
      // Not a name or value that anybody here can ask for.
    }
  }
  return headers;
}

/** How long a call may take. Rounded up: a deadline of less than a millisecond is one yet. */
export function timeoutMsOf({ timeoutNano }: Request): number | undefined {
  return timeoutNano > 0n ? Number((timeoutNano + 999_999n) / 1_000_000n) : undefined;
}
