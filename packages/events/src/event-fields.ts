import { fromBinary, type Message } from '@bufbuild/protobuf';
import { type ReflectMessage, reflect } from '@bufbuild/protobuf/reflect';
import { registry } from '@stowage/api/registry';
import { type FieldAdaptor, isJsonType, type TypedBytes } from '@stowage/core';
import type { Envelope } from './events.ts';

/**
 * How filters see an envelope: `namespace`, `topic` and `event.<field>`. The payload is decoded when the first filter
 * asks for it, once for all of them; a payload of a type that nobody knows has no fields.
 */
export function envelopeFields(envelope: Envelope): FieldAdaptor {
  let payload: FieldAdaptor | undefined;
  return ([field, ...rest]) => {
    switch (field) {
      case 'namespace':
        return envelope.namespace;
      case 'topic':
        return envelope.topic;
      case 'event':
        payload ??= payloadFields(envelope.event);
        return payload(rest);
      default:
        return undefined;
    }
  };
}

function payloadFields(event: TypedBytes): FieldAdaptor {
  try {
    if (isJsonType(event.typeUrl)) {
      const value: unknown = JSON.parse(Buffer.from(event.value).toString());
      return (path) => jsonField(value, path);
    }
    const schema = registry.getMessage(event.typeUrl.slice(event.typeUrl.lastIndexOf('/') + 1));
    if (schema === undefined) return () => undefined;
    const message = reflect(schema, fromBinary(schema, event.value) as Message);
    return (path) => messageField(message, path);
  } catch {
    // Malformed bytes: the event passes on as it is, and no filter on its fields matches.
    return () => undefined;
  }
}

/**
 * Fields by the names of the contract (`container_id`). containerd sees texts and label maps only; here numbers,
 * flags and the names of enum values can be asked for too. An empty text counts as absent.
 */
function messageField(message: ReflectMessage, [name, ...rest]: readonly string[]): string | undefined {
  const field = message.fields.find((f) => f.name === name);
  switch (field?.fieldKind) {
    case 'scalar':
      return rest.length === 0 ? text(message.get(field)) : undefined;
    case 'enum': {
      const number = message.get(field);
      return rest.length === 0 ? field.enum.values.find((v) => v.number === number)?.name : undefined;
    }
    case 'map':
      return text(message.get(field).get(rest.join('.')));
    case 'message':
      return message.isSet(field) ? messageField(message.get(field), rest) : undefined;
    default:
      return undefined;
  }
}

function jsonField(value: unknown, path: readonly string[]): string | undefined {
  const [name, ...rest] = path;
  if (name === undefined) return text(value);
  if (typeof value !== 'object' || value === null) return undefined;
  if (Object.hasOwn(value, name)) return jsonField((value as Record<string, unknown>)[name], rest);
  // An unquoted key with dots came apart.
  const joined = path.join('.');
  return Object.hasOwn(value, joined) ? text((value as Record<string, unknown>)[joined]) : undefined;
}

function text(value: unknown): string | undefined {
  switch (typeof value) {
    case 'string':
      return value === '' ? undefined : value;
    case 'number':
    case 'bigint':
    case 'boolean':
      return String(value);
    default:
      return undefined;
  }
}
