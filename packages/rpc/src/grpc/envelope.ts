import { type DescField, type DescMessage, type MessageShape, ScalarType } from '@bufbuild/protobuf';
import { FeatureSet_FieldPresence as Presence } from '@bufbuild/protobuf/wkt';

type Message = MessageShape<DescMessage>;

/** One byte of flags and the length, big-endian, before each message (grpc PROTOCOL-HTTP2.md, Length-Prefixed-Message). */
export const HEAD_BYTES = 5;

/** Bytes that are shorter are copied into the message: that costs less than a second part of it. */
const OWN_PART_BYTES = 8 * 1024;
const LENGTH_DELIMITED = 2;
const NONE = new Uint8Array();

/** A message in its envelope, in the parts in which it is written. */
export type Encode = (message: Message) => readonly Uint8Array[];

/**
 * How messages of a type become envelopes. Where a message ends in long bytes, as the data of a blob do, those are not
 * copied: they are a part of their own, and must stay as they are until they are sent.
 *
 * @param serialize - Fails for a message longer than `maxBytes`.
 */
export function encoderOf(
  schema: DescMessage,
  serialize: (message: Message) => Uint8Array,
  maxBytes: number,
): Encode {
  const whole: Encode = (message) => {
    const bytes = serialize(message);
    return [Buffer.concat([headOf(bytes.length), bytes])];
  };
  const last = schema.fields.toSorted((a, b) => a.number - b.number).at(-1);
  if (last === undefined || !isPlainBytes(last)) return whole;
  const { localName, number } = last;
  return (message) => {
    const fields = message as Message & Record<string, unknown>;
    const data = fields[localName] as Uint8Array;
    if (data.length < OWN_PART_BYTES) return whole(message);
    fields[localName] = NONE;
    let before: Uint8Array;
    try {
      before = serialize(message);
    } finally {
      fields[localName] = data;
    }
    const tag = Buffer.from([...varint((number << 3) | LENGTH_DELIMITED), ...varint(data.length)]);
    const length = before.length + tag.length + data.length;
    return length > maxBytes ? whole(message) : [Buffer.concat([headOf(length), before, tag]), data];
  };
}

/** Whether a field is always there, and left out of the message only when it is empty. */
function isPlainBytes(field: DescField): boolean {
  return (
    field.fieldKind === 'scalar' && field.scalar === ScalarType.BYTES && field.presence === Presence.IMPLICIT
  );
}

function headOf(length: number): Buffer {
  const head = Buffer.allocUnsafe(HEAD_BYTES);
  head[0] = 0;
  head.writeUInt32BE(length, 1);
  return head;
}

function varint(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 0x7f; rest >>>= 7) bytes.push((rest & 0x7f) | 0x80);
  return [...bytes, rest];
}
