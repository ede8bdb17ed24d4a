import { AnySchema } from '@bufbuild/protobuf/wkt';
import { isJsonType, type TypedBytes } from '@stowage/core';
import { anyOf } from '@stowage/rpc';
import { messageToJson } from '@stowage/rpc/json';

/**
 * What an event carries, as ProtoJSON, without its type: `{"name": "docker.io/library/alpine:3"}`. Of a type that nobody
 * here knows, or bytes that are none of it, `{"base64": "..."}`. Never fails.
 */
export function eventJson(event: TypedBytes): unknown {
  const unread = { base64: Buffer.from(event.value).toString('base64') };
  if (isJsonType(event.typeUrl)) {
    try {
      return JSON.parse(Buffer.from(event.value).toString());
    } catch {
      return unread;
    }
  }
  const json = messageToJson(AnySchema, anyOf(event));
  if (typeof json !== 'object' || json === null || Array.isArray(json)) return unread;
  const { '@type': _, '@base64': malformed, ...fields } = json;
  const isUnknown = typeof fields.value === 'string' && Object.keys(fields).length === 1;
  return malformed !== undefined || isUnknown ? unread : fields;
}
