import { ByteReader } from './byte-reader.ts';

/**
 * Undoes Snappy's compression of one block.
 *
 * @throws RangeError if it is none.
 * @see google/snappy format_description.txt
 */
export function unsnappy(bytes: Buffer): Buffer {
  const reader = new ByteReader(bytes);
  const out = Buffer.alloc(reader.varint());
  let at = 0;
  while (!reader.isAtEnd) {
    const tag = reader.take(1).readUInt8();
    if ((tag & 3) === 0) {
      const short = tag >>> 2;
      const length = 1 + (short < 60 ? short : reader.take(short - 59).readUIntLE(0, short - 59));
      if (at + length > out.length) throw new RangeError('it holds more than it says');
      at += reader.take(length).copy(out, at);
      continue;
    }
    const { length, offset } = copyOf(tag, reader);
    if (offset === 0 || offset > at || at + length > out.length)
      throw new RangeError('it copies from nowhere');
    // Byte by byte: what is copied may overlap what it is copied to.
    for (const end = at + length; at < end; at += 1) out[at] = out[at - offset] as number;
  }
  if (at !== out.length) throw new RangeError('it holds less than it says');
  return out;
}

function copyOf(tag: number, reader: ByteReader): { length: number; offset: number } {
  switch (tag & 3) {
    case 1:
      return { length: 4 + ((tag >>> 2) & 7), offset: ((tag >>> 5) << 8) | reader.take(1).readUInt8() };
    case 2:
      return { length: 1 + (tag >>> 2), offset: reader.take(2).readUInt16LE() };
    default:
      return { length: 1 + (tag >>> 2), offset: reader.take(4).readUInt32LE() };
  }
}
