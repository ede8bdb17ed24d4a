import type { DescMessage, JsonValue, MessageShape, Registry } from '@bufbuild/protobuf';
import { registry as contract } from '@stowage/api/registry';
import { Fault, reasonOf } from '@stowage/core';
import { readMessage } from './json/read.ts';
import { parseExact } from './json/text.ts';
import { writeMessage } from './json/write.ts';

export interface JsonOptions {
  /** Knows what Protobuf an Any may hold; containerd's whole API unless given. */
  readonly registry?: Registry | undefined;
}

/**
 * A message as ProtoJSON (protobuf.dev/programming-guides/json), which it never fails to be. Where that has no form
 * or one that would lose something:
 *
 * - an Any of JSON bytes (an OCI spec) is `{"@type": url, "value": <that JSON>}`, numbers digit for digit;
 * - an Any of a type nobody here knows is `{"@type": url, "value": "<base64>"}`;
 * - an Any whose bytes are not what its type says is `{"@type": url, "@base64": "<base64>"}`;
 * - a type URL may be a bare name, without a slash, as containerd writes them;
 * - paths of a field mask are carried as they are: label keys are not to be camel-cased;
 * - a time that has no calendar form is null.
 */
export function messageToJson<D extends DescMessage>(
  schema: D,
  message: MessageShape<D>,
  { registry = contract }: JsonOptions = {},
): JsonValue {
  return writeMessage(schema, message, registry);
}

/** As {@link messageToJson}, as text. */
export function messageToJsonString<D extends DescMessage>(
  schema: D,
  message: MessageShape<D>,
  options?: JsonOptions,
): string {
  return JSON.stringify(messageToJson(schema, message, options));
}

/**
 * Reads what {@link messageToJson} writes, and all of ProtoJSON. Unknown fields are passed over. A field mask may
 * also be `{"paths": [...]}`, for paths that hold a comma.
 *
 * @throws Fault `invalid_argument` naming the field.
 */
export function messageFromJsonString<D extends DescMessage>(
  schema: D,
  text: string,
  { registry = contract }: JsonOptions = {},
): MessageShape<D> {
  try {
    return readMessage(schema, parseExact(text), registry);
  } catch (e) {
    if (Fault.is(e)) throw e;
    throw new Fault('invalid_argument', `read ${schema.typeName} from JSON: ${reasonOf(e)}`, { cause: e });
  }
}
