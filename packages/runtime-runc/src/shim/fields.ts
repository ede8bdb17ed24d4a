// As much of protobuf as `start` reads and writes. A protobuf library takes longer to load than all the rest.

export type Field = number | Uint8Array;

const [VARINT, FIXED64, BYTES, FIXED32] = [0, 1, 2, 5];

/** The fields of a message by number; of one that comes more than once, the last. Undefined if it is no message. */
export function readFields(message: Uint8Array): ReadonlyMap<number, Field> | undefined {
  const fields = new Map<number, Field>();
  let at = 0;
  const varint = () => {
    let value = 0;
    for (let scale = 1; at < message.length; scale *= 128) {
      const byte = message[at++] ?? 0;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
    }
    return Number.NaN;
  };
  while (at < message.length) {
    const tag = varint();
    const number = Math.floor(tag / 8);
    const kind = tag % 8;
    if (kind === VARINT) {
      fields.set(number, varint());
    } else {
      const length = kind === BYTES ? varint() : kind === FIXED64 ? 8 : kind === FIXED32 ? 4 : Number.NaN;
      fields.set(number, message.subarray(at, at + length));
      at += length;
    }
    if (!(at <= message.length)) return undefined;
  }
  return fields;
}

/** Empty where there is no such field. */
export function bytesOf(fields: ReadonlyMap<number, Field> | undefined, number: number): Uint8Array {
  const field = fields?.get(number);
  return field === undefined || typeof field === 'number' ? new Uint8Array() : field;
}

export function textOf(fields: ReadonlyMap<number, Field> | undefined, number: number): string {
  return Buffer.from(bytesOf(fields, number)).toString();
}

/** Writes fields of text or bytes, and of numbers below 128. */
export function writeFields(fields: Readonly<Record<number, string | Uint8Array | number>>): Buffer {
  const parts = Object.entries(fields).flatMap(([number, value]) => {
    const tag = Number(number) << 3;
    if (typeof value === 'number') return [Buffer.from([tag | VARINT, value])];
    const bytes = Buffer.from(value);
    // A length of up to 14 bits, always in two bytes, as readers must take it.
    const length = [(bytes.length & 0x7f) | 0x80, bytes.length >> 7];
    return [Buffer.from([tag | BYTES, ...length]), bytes];
  });
  return Buffer.concat(parts);
}
