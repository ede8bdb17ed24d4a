import {
  create,
  type DescMessage,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from '@bufbuild/protobuf';
import { type Any, AnySchema } from '@bufbuild/protobuf/wkt';
import { Fault, type TypedBytes } from '@stowage/core';

/** Any to domain value; undefined stays undefined. */
export function typedBytesOf(any: Any | undefined): TypedBytes | undefined {
  return any === undefined ? undefined : { typeUrl: any.typeUrl, value: any.value };
}

/** Domain value to Any. */
export function anyOf(bytes: TypedBytes): Any;
export function anyOf(bytes: TypedBytes | undefined): Any | undefined;
export function anyOf(bytes: TypedBytes | undefined): Any | undefined {
  return bytes === undefined ? undefined : create(AnySchema, { typeUrl: bytes.typeUrl, value: bytes.value });
}

/** Encodes a message under containerd's form of a type URL: the bare name, without a slash. */
export function packMessage<D extends DescMessage>(schema: D, init: MessageInitShape<D>): TypedBytes {
  return { typeUrl: schema.typeName, value: toBinary(schema, create(schema, init)) };
}

/**
 * Decodes a value that must be a message of this type; any prefix before the last slash of its URL is allowed.
 *
 * @throws Fault `invalid_argument` for another type or bytes that are not one.
 */
export function unpackMessage<D extends DescMessage>(schema: D, bytes: TypedBytes): MessageShape<D> {
  const name = bytes.typeUrl.slice(bytes.typeUrl.lastIndexOf('/') + 1);
  if (name !== schema.typeName) {
    throw new Fault('invalid_argument', `expected ${schema.typeName}, got ${JSON.stringify(bytes.typeUrl)}`);
  }
  try {
    return fromBinary(schema, bytes.value);
  } catch (e) {
    throw new Fault('invalid_argument', `decode ${schema.typeName}: malformed bytes`, { cause: e });
  }
}
