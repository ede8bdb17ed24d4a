import { create } from '@bufbuild/protobuf';
import { type KeyValue, KeyValueSchema } from '@stowage/api/ttrpc';

/** Headers as ttrpc carries them. */
export function metadataOf(headers: Headers): KeyValue[] {
  const metadata: KeyValue[] = [];
  headers.forEach((value, key) => {
    metadata.push(create(KeyValueSchema, { key, value }));
  });
  return metadata;
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
