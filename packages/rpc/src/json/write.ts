import {
  create,
  type DescMessage,
  fromBinary,
  type JsonObject,
  type JsonValue,
  type Message,
  type Registry,
  toJson,
} from '@bufbuild/protobuf';
import { type ReflectMessage, reflect } from '@bufbuild/protobuf/reflect';
import { base64Encode } from '@bufbuild/protobuf/wire';
import type { Any, FieldMask } from '@bufbuild/protobuf/wkt';
import { isJsonType } from '@stowage/core';
import { parseExact } from './text.ts';
import { hasOwnForm, isAny, isMask, messageOf, nameInUrl } from './types.ts';

/** Any inside Any, deeper than this, stays bytes. */
const MAX_DEPTH = 50;

/** Total: any message has a JSON form. */
export function writeMessage(desc: DescMessage, message: Message, registry: Registry, depth = 0): JsonValue {
  if (isAny(desc)) return writeAny(message as Any, registry, depth + 1);
  if (isMask(desc)) return (message as FieldMask).paths.join(',');
  if (hasOwnForm(desc)) {
    try {
      return toJson(desc, message) as JsonValue;
    } catch {
      return null; // a Timestamp outside of the years 1 to 9999
    }
  }
  return writeFields(desc, message, registry, depth);
}

/** Scalars are left to the library; fields that hold messages are ours, since an Any may be anywhere below. */
function writeFields(desc: DescMessage, message: Message, registry: Registry, depth: number): JsonObject {
  const whole = reflect(desc, message);
  const scalars = reflect(desc, create(desc));
  for (const field of desc.fields) {
    if (messageOf(field) === undefined && whole.isSet(field)) scalars.set(field, whole.get(field));
  }
  const json: JsonObject = Object.create(null);
  const simple = toJson(desc, scalars.message) as JsonObject;
  for (const field of desc.fields) {
    if (!whole.isSet(field)) continue;
    const of = messageOf(field);
    const write = (value: unknown) => {
      const inner = (value as ReflectMessage).message;
      return writeMessage(of as DescMessage, inner, registry, depth);
    };
    if (of === undefined) json[field.jsonName] = simple[field.jsonName] as JsonValue;
    else if (field.fieldKind === 'list') json[field.jsonName] = [...whole.get(field)].map(write);
    else if (field.fieldKind === 'map') {
      const map: JsonObject = Object.create(null);
      for (const [key, value] of whole.get(field)) map[String(key)] = write(value);
      json[field.jsonName] = map;
    } else json[field.jsonName] = write(whole.get(field));
  }
  return json;
}

function writeAny({ typeUrl, value }: Any, registry: Registry, depth: number): JsonObject {
  if (typeUrl === '' && value.length === 0) return {};
  const type = { '@type': typeUrl };
  try {
    if (isJsonType(typeUrl)) return { ...type, value: parseExact(utf8.decode(value)) };
    const desc = registry.getMessage(nameInUrl(typeUrl));
    if (desc === undefined) return { ...type, value: base64Encode(value) };
    if (depth > MAX_DEPTH) return { ...type, '@base64': base64Encode(value) };
    const json = writeMessage(desc, fromBinary(desc, value), registry, depth);
    return hasOwnForm(desc) ? { ...type, value: json } : { ...type, ...(json as JsonObject) };
  } catch {
    return { ...type, '@base64': base64Encode(value) };
  }
}

const utf8 = new TextDecoder('utf-8', { fatal: true });
