import {
  create,
  type DescMessage,
  fromJson,
  type JsonObject,
  type JsonValue,
  type Message,
  type MessageShape,
  type Registry,
  toBinary,
} from '@bufbuild/protobuf';
import { reflect } from '@bufbuild/protobuf/reflect';
import { base64Decode } from '@bufbuild/protobuf/wire';
import { AnySchema, FieldMaskSchema } from '@bufbuild/protobuf/wkt';
import { Fault, isJsonType, quote, reasonOf } from '@stowage/core';
import { withoutRaw } from './text.ts';
import { hasOwnForm, isAny, isMask, messageOf, nameInUrl } from './types.ts';

/** As the library's own limit. */
const MAX_DEPTH = 100;

/** @throws an error whose message tells what is wrong and where. */
export function readMessage<D extends DescMessage>(desc: D, json: JsonValue, registry: Registry, depth = 0) {
  if (depth > MAX_DEPTH) throw new Fault('invalid_argument', `messages nest deeper than ${MAX_DEPTH}`);
  return read(desc, json, registry, depth) as MessageShape<D>;
}

function read(desc: DescMessage, json: JsonValue, registry: Registry, depth: number): Message {
  if (isAny(desc)) return readAny(json, registry, depth);
  if (isMask(desc)) return create(FieldMaskSchema, { paths: pathsOf(json) });
  if (hasOwnForm(desc)) return fromJson(desc, withoutRaw(json), { ignoreUnknownFields: true });
  return readFields(desc, objectOf(json, desc.typeName), registry, depth);
}

function readFields(desc: DescMessage, json: JsonObject, registry: Registry, depth: number): Message {
  const byName = new Map(
    desc.fields.flatMap(
      (field) =>
        [
          [field.name, field],
          [field.jsonName, field],
        ] as const,
    ),
  );
  const scalars: JsonObject = Object.create(null);
  for (const [name, value] of Object.entries(json)) {
    const field = byName.get(name);
    if (field !== undefined && messageOf(field) === undefined) scalars[name] = withoutRaw(value);
  }
  const message = fromJson(desc, scalars, { ignoreUnknownFields: true });
  const target = reflect(desc, message);
  for (const [name, value] of Object.entries(json)) {
    const field = byName.get(name);
    const of = field && messageOf(field);
    if (field === undefined || of === undefined || value === null) continue;
    const one = (item: JsonValue, where: string) => {
      try {
        return reflect(of, readMessage(of, item, registry, depth + 1));
      } catch (e) {
        throw new Fault('invalid_argument', `${where}: ${reasonOf(e)}`, { cause: e });
      }
    };
    if (field.fieldKind === 'list') {
      if (!Array.isArray(value)) throw new Fault('invalid_argument', `${name}: expected a list`);
      const list = target.get(field);
      for (const [i, item] of value.entries()) list.add(one(item, `${name}[${i}]`));
    } else if (field.fieldKind === 'map') {
      const map = target.get(field);
      for (const [key, item] of Object.entries(objectOf(value, name)))
        map.set(key, one(item, `${name}[${quote(key)}]`));
    } else target.set(field, one(value, name));
  }
  return message;
}

function readAny(json: JsonValue, registry: Registry, depth: number): Message {
  const { '@type': typeUrl, ...rest } = objectOf(json, AnySchema.typeName);
  if (typeUrl === undefined && Object.keys(rest).length === 0) return create(AnySchema);
  if (typeof typeUrl !== 'string')
    throw new Fault('invalid_argument', '"@type" must name the type of the Any');
  return create(AnySchema, { typeUrl, value: anyBytes(typeUrl, rest, registry, depth) });
}

function anyBytes(typeUrl: string, rest: JsonObject, registry: Registry, depth: number): Uint8Array {
  if (rest['@base64'] !== undefined) return bytesOf(rest['@base64'], typeUrl);
  if (isJsonType(typeUrl)) return new TextEncoder().encode(JSON.stringify(rest.value ?? null));
  const desc = registry.getMessage(nameInUrl(typeUrl));
  const bare =
    Object.keys(rest).join() === 'value' && !(desc?.fields.some(({ name }) => name === 'value') ?? false);
  if (desc === undefined || (bare && !hasOwnForm(desc))) return bytesOf(rest.value ?? '', typeUrl);
  const json = hasOwnForm(desc) ? (rest.value ?? null) : rest;
  return toBinary(desc, readMessage(desc, json, registry, depth + 1));
}

function bytesOf(value: JsonValue, typeUrl: string): Uint8Array {
  try {
    if (typeof value === 'string') return base64Decode(value);
  } catch {
    // told below
  }
  throw new Fault(
    'invalid_argument',
    `the value of an Any of type ${quote(typeUrl)} must be its bytes in base64`,
  );
}

function pathsOf(json: JsonValue): string[] {
  if (typeof json === 'string') return json === '' ? [] : json.split(',');
  const paths = objectOf(json, FieldMaskSchema.typeName).paths ?? [];
  if (Array.isArray(paths) && paths.every((path) => typeof path === 'string')) return paths;
  throw new Fault('invalid_argument', 'a field mask must be "path,path" or {"paths": ["path"]}');
}

function objectOf(json: JsonValue, what: string): JsonObject {
  if (json !== null && typeof json === 'object' && !Array.isArray(json)) return json;
  throw new Fault('invalid_argument', `${what}: expected an object, got ${quote(JSON.stringify(json))}`);
}
